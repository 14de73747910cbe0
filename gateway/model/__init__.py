"""Floor 0, the words: frozen values that the whole house speaks in. Integers for time, tokens and money."""
