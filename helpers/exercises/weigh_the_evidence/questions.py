"""Questions of the notebook `weigh_the_evidence`."""
