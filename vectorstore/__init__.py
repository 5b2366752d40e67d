"""The archive: articles, where their sentences lie, and the indexes that find them."""

import models  # noqa: F401  first of all: it turns usage reports off
