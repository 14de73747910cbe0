"""Reading whose code word a text carries, with exact error probabilities."""
