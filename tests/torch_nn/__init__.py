"""Tests of helpers.torch_nn. A package: two folders of tests have a test_models.py."""
