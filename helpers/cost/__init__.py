"""What batch norm costs: `counting` bytes, `timing` functions, the `workloads` that are timed."""
