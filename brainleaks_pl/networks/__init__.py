"""Plain networks: neurons, surrogates, the published architectures."""
