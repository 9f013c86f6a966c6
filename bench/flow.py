"""The flow that is replayed: a frame, a foreach over 300 items, ten artifacts from each task."""
# mypy: allow-subclassing-any, allow-untyped-decorators

from __future__ import annotations

from metaflow import FlowSpec, Parameter, step


class BenchFlow(FlowSpec):
    """Fit a small model for each of many items."""

    rows = Parameter("rows", default=20_000, help="Rows of the frame")
    columns = Parameter("columns", default=10, help="Columns of the frame")
    count = Parameter("count", default=300, help="Items, and so foreach tasks")
    epochs = Parameter("epochs", default=20, help="Points of each loss curve")

    @step
    def start(self) -> None:
        """Make the frame that all tasks are handed, and the list of items."""
        import numpy as np  # noqa: PLC0415 - the scheduler and the other steps do without
        import pandas as pd  # noqa: PLC0415

        draw = np.random.default_rng(0)
        names = [f"feature_{number}" for number in range(self.columns)]
        self.frame = pd.DataFrame(draw.normal(size=(self.rows, self.columns)), columns=names)
        self.items = [f"shop-{number:03d}" for number in range(self.count)]
        self.next(self.fit, foreach="items")

    @step
    def fit(self) -> None:
        """Write ten artifacts; the frame passes through untouched."""
        import numpy as np  # noqa: PLC0415
        from sklearn.linear_model import LinearRegression  # noqa: PLC0415

        draw = np.random.default_rng(self.index)
        features = draw.normal(size=(100, 5))
        target = features @ draw.normal(size=5) + draw.normal(scale=0.1, size=100)
        self.model = LinearRegression().fit(features, target)
        self.residuals = target - self.model.predict(features)
        self.score = float(self.model.score(features, target))
        self.shop = str(self.input)
        self.sample_size = len(target)
        self.is_good = self.score > 0.99  # noqa: PLR2004
        self.weights = {f"feature_{i}": float(w) for i, w in enumerate(self.model.coef_)}
        self.strongest = sorted(self.weights, key=lambda name: -abs(self.weights[name]))[:3]
        self.loss_curve = [1 / (1 + epoch) + float(draw.random()) for epoch in range(self.epochs)]
        self.settings = {
            "solver": {"name": "lstsq", "tolerance": 1e-6},
            "split": {"train": 0.8, "seed": int(self.index)},
        }
        self.next(self.join)

    @step
    def join(self, inputs: list[BenchFlow]) -> None:
        """Collect the scores."""
        self.merge_artifacts(inputs, include=["frame"])
        self.scores = {item.shop: item.score for item in inputs}
        self.best = max(self.scores, key=lambda shop: self.scores[shop])
        self.next(self.end)

    @step
    def end(self) -> None:
        """Say which item did best."""
        print(f"best: {self.best} with {self.scores[self.best]:.4f}")


if __name__ == "__main__":
    BenchFlow()
