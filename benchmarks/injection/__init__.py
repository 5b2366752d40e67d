"""Whether words inside an article can give the assistant orders: each question is asked with and
without them, with the real models.

    python -m benchmarks.injection [--limit N] [--only ID]

``articles.toml`` holds honest articles with questions, ``attacks.toml`` what is put into them,
``blind.toml`` attacks written without knowledge of the answering code, and ``harmless.toml``
articles that quote such orders as news does and must be found and cited like any other.
"""
