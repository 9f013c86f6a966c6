"""Classify wines: the sample flow of `make demo`. It knows nothing of Weights & Biases."""

from metaflow import FlowSpec, Parameter, card, step


class WineFlow(FlowSpec):
    """Try several learning rates on scikit-learn's wine data and keep the best model."""

    rounds = Parameter("rounds", default=40, help="Boosting rounds of each candidate.")
    test_share = Parameter("test_share", default=0.3, help="Share of wines held back for testing.")
    seed = Parameter("seed", default=7, help="Makes split and models repeatable.")

    @step
    def start(self):
        """Load the wines and decide what to try."""
        from sklearn.datasets import load_wine

        self.wines = load_wine(as_frame=True).frame
        self.learning_rates = [0.01, 0.1, 0.5]
        self.next(self.split)

    @step
    def split(self):
        """Hold back some wines for testing."""
        from sklearn.model_selection import train_test_split

        self.train_set, self.test_set = train_test_split(
            self.wines,
            test_size=self.test_share,
            random_state=self.seed,
            stratify=self.wines["target"],
        )
        self.next(self.train, foreach="learning_rates")

    @step
    def train(self):
        """Fit one candidate."""
        from sklearn.ensemble import GradientBoostingClassifier
        from sklearn.metrics import accuracy_score

        self.learning_rate = self.input
        self.model = GradientBoostingClassifier(
            learning_rate=self.learning_rate, n_estimators=self.rounds, random_state=self.seed
        ).fit(*_split_target(self.train_set))
        wines, kinds = _split_target(self.test_set)
        self.accuracy = float(accuracy_score(kinds, self.model.predict(wines)))
        self.losses = [float(loss) for loss in self.model.train_score_]
        print(f"learning rate {self.learning_rate}: accuracy {self.accuracy:.3f}")
        self.next(self.choose)

    @card
    @step
    def choose(self, inputs):
        """Keep the best candidate."""
        best = max(inputs, key=lambda candidate: candidate.accuracy)
        self.model = best.model
        self.scores = {str(one.learning_rate): one.accuracy for one in inputs}
        self.best = {"learning_rate": best.learning_rate, "accuracy": best.accuracy}
        self.merge_artifacts(inputs, include=["test_set"])
        self.next(self.end)

    @step
    def end(self):
        """Look at the mistakes that are left."""
        wines, kinds = _split_target(self.test_set)
        self.mistakes = self.test_set[self.model.predict(wines) != kinds]
        print(f"{len(self.mistakes)} of {len(kinds)} wines are still wrong")


def _split_target(frame):
    return frame.drop(columns="target"), frame["target"]


if __name__ == "__main__":
    WineFlow()
