"""Model → a file that runs without glassnet: ONNX, one file of Python, one file of C99; each checked by `predict`."""
