"""The pipeline of W&B's artifact tutorial as a flow; docs/tutorial.md walks through it."""

from metaflow import FlowSpec, Parameter, step

SPLITS = ("training", "validation", "test")


class TutorialFlow(FlowSpec):
    """Load data, prepare it, make a model, train it, evaluate it."""

    rows = Parameter("rows", default=600, help="Rows of the made-up data, all splits together.")
    epochs = Parameter("epochs", default=8, help="Passes over the training data.")
    learning_rate = Parameter("learning_rate", default=0.1, help="Step size of the training.")
    seed = Parameter("seed", default=7, help="Makes data and model repeatable.")

    @step
    def start(self):
        """Load the data, in three splits."""
        self.source = "numpy.random"
        frame = _make_rows(self.rows, self.seed)
        first, second = int(self.rows * 0.6), int(self.rows * 0.8)
        parts = (frame[:first], frame[first:second], frame[second:])
        self.raw = {
            name: part.reset_index(drop=True) for name, part in zip(SPLITS, parts, strict=True)
        }
        self.sizes = {name: len(part) for name, part in self.raw.items()}
        self.next(self.preprocess)

    @step
    def preprocess(self):
        """Put every feature on one scale, which is learned from the training data alone."""
        self.steps = {"normalize": True, "clip": 3.0}
        features = self.raw["training"].drop(columns="label")
        mean, spread = features.mean(), features.std()
        self.preprocessed = {}
        for name, frame in self.raw.items():
            scaled = (frame.drop(columns="label") - mean) / spread
            limit = self.steps["clip"]
            self.preprocessed[name] = scaled.clip(-limit, limit).assign(label=frame["label"])
        self.next(self.initialize)

    @step
    def initialize(self):
        """Make a model that has learned nothing yet."""
        from sklearn.linear_model import SGDClassifier

        self.model_config = {"loss": "log_loss", "penalty": "l2"}
        self.initial_model = SGDClassifier(
            **self.model_config,
            learning_rate="constant",
            eta0=self.learning_rate,
            random_state=self.seed,
        )
        self.next(self.train)

    @step
    def train(self):
        """Train the model, and look at the validation data after each pass."""
        from copy import deepcopy

        from sklearn.metrics import log_loss

        model = deepcopy(self.initial_model)
        training, validation = self.preprocessed["training"], self.preprocessed["validation"]
        self.losses = []
        for epoch in range(self.epochs):
            model.partial_fit(training.drop(columns="label"), training["label"], classes=[0, 1])
            chances = model.predict_proba(validation.drop(columns="label"))
            self.losses.append(float(log_loss(validation["label"], chances)))
            print(f"epoch {epoch}: validation loss {self.losses[-1]:.3f}")
        self.model = model
        self.validation_accuracy = _accuracy(model, validation)
        self.next(self.end)

    @step
    def end(self):
        """Evaluate the model on data that it has never seen, and keep its worst mistakes."""
        test = self.preprocessed["test"]
        self.accuracy = _accuracy(self.model, test)
        chances = self.model.predict_proba(test.drop(columns="label"))
        of_label = chances[range(len(test)), test["label"]]
        self.hardest = test.assign(chance_of_label=of_label).nsmallest(10, "chance_of_label")
        print(f"accuracy {self.accuracy:.3f}")


def _make_rows(rows, seed):
    import numpy as np
    import pandas as pd

    numbers = np.random.default_rng(seed)
    features = numbers.normal(loc=5.0, scale=2.0, size=(rows, 4))
    score = features @ [1.0, -1.0, 0.5, 0.0] - 2.5 + numbers.normal(scale=0.5, size=rows)
    frame = pd.DataFrame(features, columns=["width", "height", "weight", "noise"])
    return frame.assign(label=(score > 0).astype(int))


def _accuracy(model, frame):
    return float(model.score(frame.drop(columns="label"), frame["label"]))


if __name__ == "__main__":
    TutorialFlow()
