"""A report as files, in TensorBoard, in the terminal; figures and animations."""
