"""Names of the metrics, light to import: configuration is checked against them."""

METRICS = (
    "roc_auc",
    "accuracy",
    "balanced_accuracy",
    "average_precision",
    "precision",
    "recall",
    "f1",
    "log_loss",
    "brier",
    "mean_average_precision",
    "f1_micro",
    "f1_macro",
    "hamming_loss",
    "subset_accuracy",
    "rmse",
    "mae",
    "r2",
)
