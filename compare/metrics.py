r"""How well each side's net does on the training and test examples, by scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from compare.configuration import Configuration, parse
from compare.datasets import Dataset
from compare.evaluation import predict_manual, predict_reference
from compare.traces import Array


def score(task: str, loss: str, A: Array, Y: Array) -> dict[str, float]:
    """Return the metrics of outputs A against targets Y, both (n_y, m), for the kind of task.

    >>> score("regression", "mse", np.array([[1.0, 2.0]]), np.array([[1.0, 2.0]]))["R2"]
    1.0
    """
    from sklearn import metrics

    if not np.isfinite(A).all():
        return {"finite outputs": float(np.isfinite(A).mean())}
    if task == "regression":
        error = metrics.mean_squared_error(Y.T, A.T)
        return {
            "R2": float(metrics.r2_score(Y.T, A.T)),
            "RMSE": float(np.sqrt(error)),
            "MAE": float(metrics.mean_absolute_error(Y.T, A.T)),
        }
    if task == "multiclass":
        return {"accuracy": float(metrics.accuracy_score(Y.argmax(axis=0), A.argmax(axis=0)))}
    threshold = 0.0 if parse(loss)[0] == "bce_with_logits" else 0.5
    labels = Y[0].astype(int)
    scores = {"accuracy": float(metrics.accuracy_score(labels, A[0] > threshold))}
    if len(set(labels)) == 2:
        scores["ROC AUC"] = float(metrics.roc_auc_score(labels, A[0]))
    return scores


def scores(
    configuration: Configuration,
    dataset: Dataset,
    mine: Mapping[str, Array],
    theirs: Mapping[str, Array],
) -> dict[str, dict[str, tuple[float, float]]]:
    """Return {part: {metric: (manual, torch)}} for the training and the test part."""
    out = {}
    for part, X, Y in (
        ("train", dataset.X_train, dataset.Y_train),
        ("test", dataset.X_test, dataset.Y_test),
    ):
        a = score(dataset.task, configuration.loss, predict_manual(configuration, mine, X), Y)
        b = score(dataset.task, configuration.loss, predict_reference(configuration, theirs, X), Y)
        out[part] = {name: (a[name], b.get(name, float("nan"))) for name in a}
    return out
