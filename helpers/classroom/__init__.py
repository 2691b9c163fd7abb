"""What only teachers run: the solved edition, the guide, grading."""
