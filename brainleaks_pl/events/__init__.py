"""Event streams: file formats, frames, the event camera and the scenes that it watches."""
