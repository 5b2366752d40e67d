"""The archive: articles, where their sentences lie, and the indexes that find them."""
