"""What a flagged caller's answer loses or carries: pure crafts, one file each."""
