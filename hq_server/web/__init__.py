"""The head office's web application. So far it only says whether the head office works."""
