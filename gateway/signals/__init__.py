"""What a request's traces say of its caller: one signal a file, and the sketches that they all see by. Pure; never keeps text."""
