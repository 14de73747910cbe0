"""The laboratory: labelled traffic of made-up callers, honest and hostile, so that an operator can rehearse a policy before it acts."""
