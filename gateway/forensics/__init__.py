"""Whose wording is in a text: exact error probabilities for what a suspect data set or model says."""
