"""What the notebooks share: data, networks, training, probes, figures, exercises and claims."""
