"""Floor 1, dialects: how families of clients and models speak. Each file is one operation; none knows another room."""
