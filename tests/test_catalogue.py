"""The catalogue of models: what it holds, and that a slip in it is found at once."""

from __future__ import annotations

import json

import pytest
from tiny_models import make_catalogue

from models.catalogue import default_names, get_spec, is_inside, load_catalogue, parse_catalogue
from models.protocols import ModelError


@pytest.fixture
def toy(tmp_path) -> str:
    return make_catalogue(tmp_path)


def test_defaults_are_one_of_each_kind_and_need_no_hub():
    specs = [get_spec(name) for name in default_names()]
    assert sorted(spec.kind for spec in specs) == ["embedder", "language_model"]
    assert all(spec.wheels for spec in specs)


def test_every_model_has_a_source_and_terms():
    for spec in load_catalogue().values():
        assert spec.hub or spec.wheels
        assert spec.terms.strip() and spec.licence and spec.licence_url


def test_published_hashes_are_the_pinned_ones():
    files = {file.path: file.sha256 for file in get_spec("embeddinggemma-300m").files}
    assert files["model.safetensors"].startswith("cbf5a78393b6a033")
    assert files["2_Dense/model.safetensors"].startswith("c327f2acb0014967")
    assert files["3_Dense/model.safetensors"].startswith("ffb6cc5162e11e2c")
    assert get_spec("qwen2.5-coder-1.5b-instruct").sha256.startswith("cc324af070c2ecbf")


def test_prompts_are_those_the_weights_came_with(weights):
    own = json.loads((weights["embedder"] / "config_sentence_transformers.json").read_text())
    embedding = get_spec("embeddinggemma-300m").embedding
    assert embedding.query_prompt == own["prompts"]["query"]
    filled = embedding.document_prompt.format(title=embedding.no_title)
    assert filled == own["prompts"]["document"]


def test_identity_depends_on_every_file(toy):
    changed = toy.replace('path = "modules.json"', 'path = "other.json"')
    before, after = parse_catalogue(toy)["toy-embedder"], parse_catalogue(changed)["toy-embedder"]
    assert before.identity.key != after.identity.key
    assert before.identity.dimension == 4


def test_language_model_has_no_embedder_identity(toy):
    with pytest.raises(ModelError, match="not an embedder"):
        _ = parse_catalogue(toy)["toy-gguf"].identity


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('licence = "MIT"', 'licence = "MIT"\nlicense = "MIT"', "license"),
        ('kind = "embedder"', 'kind = "encoder"', "kind"),
        ('path = "modules.json"', 'path = "../modules.json"', "outside"),
        ('path = "modules.json"', 'path = "/etc/modules.json"', "outside"),
        ("size = 64000\n", "size = 64001\n", "add up"),
        ('sha256 = "', 'sha256 = "0', "sha256"),
        ("[toy-embedder.embedding]", "[toy-gguf.embedding]", "embedd"),
        ("dimension = 4\n", "", "dimension"),
        ("[toy-gguf]", "[toy-gguf", "catalogue"),
    ],
)
def test_slips_are_found(toy, before, after, complaint):
    assert before in toy
    with pytest.raises(ModelError, match=complaint):
        parse_catalogue(toy.replace(before, after, 1))


def test_unknown_model_lists_the_known_ones():
    with pytest.raises(ModelError, match="embeddinggemma-300m"):
        get_spec("gpt")


@pytest.mark.parametrize("path", ["", "..", "a/../../b", "/a", "C:/a", "a\\..\\b"])
def test_paths_that_leave_their_folder(path):
    assert not is_inside(path)


@pytest.mark.parametrize("path", ["a", "a/b.bin", "a/", "a..b"])
def test_paths_that_stay(path):
    assert is_inside(path)
