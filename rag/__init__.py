"""From files to archive, and from question to verified answer."""

import models  # noqa: F401  first of all: it turns usage reports off
