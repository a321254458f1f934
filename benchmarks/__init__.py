"""What noria costs, measured beside its peers and its limits in the same run."""
