"""Words that come from the stores and are said on pages: named here, so that they stand in the catalogues."""


def marked(text: str) -> str:
    """A text that is a message: it is looked up where it is shown."""
    return text


WORDS = [
    # stages
    marked("collect"), marked("validate"), marked("preprocess"), marked("tune"), marked("train"), marked("analyze"),
    marked("release"), marked("deploy"), marked("feedback"),
    # states and verdicts
    marked("waiting"), marked("running"), marked("done"), marked("reused"), marked("blocked"), marked("stopped"),
    marked("failed"), marked("pass"), marked("warn"), marked("block"), marked("info"), marked("released"),
    marked("refused"), marked("accepted"), marked("quarantined"), marked("erased"), marked("new"), marked("begun"),
    marked("not validated"), marked("complete"), marked("pruned"), marked("infeasible"), marked("nothing"),
    marked("moved"), marked("same"), marked("added"), marked("gone"), marked("changed"), marked("first"),
    marked("proposed"), marked("decided"), marked("promote"), marked("stop"), marked("go on"),
    # who answers
    marked("champion"), marked("challenger"), marked("shadow"), marked("other"),
    # remedies and policies
    marked("resample"), marked("reweight"), marked("quarantine"), marked("accept"), marked("none"), marked("retrain"),
    # kinds
    marked("number"), marked("category"), marked("bool"), marked("time"), marked("subject"), marked("content"),
    marked("row"), marked("source"), marked("batch"), marked("dataset_version"), marked("run"), marked("step"),
    marked("artifact"), marked("model_version"), marked("prediction"), marked("audit"), marked("remedy"),
    marked("experiment"), marked("data"), marked("file"),
    # layers of the hierarchy of needs, and how far they are covered
    marked("move and store"), marked("explore and transform"), marked("aggregate and label"),
    marked("learn and optimise"), marked("AI in use"), marked("automatic"), marked("partly"), marked("missing"),
    # rates of groups
    marked("given it"), marked("true positive rate"), marked("false positive rate"), marked("error"),
    marked("mean answer"), marked("mean error"),
    # why nothing is said of drift
    marked("too few answers to say"), marked("what it learned from is not there to compare with"),
]  # fmt: skip
REMEDY = {
    "resample": marked("learn from equal numbers of each label"),
    "reweight": marked("weigh the labels in the loss"),
    "quarantine": marked("leave the new batches out, and go on without them"),
    "accept": marked("the change is real: take the data as they are"),
}
