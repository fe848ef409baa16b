"""Everything that is wrong with a folder is said at once."""

from piste.data.restoration.check import check_restoration
from piste.data.restoration.recipe import RestorationDataRecipe
from tests.data.files import picture, save
from tests.data.restoration.test_folder import draw_pairs


def found(path, **keys):
    problems = check_restoration(RestorationDataRecipe.model_validate({"path": str(path), **keys}))
    return {f"{problem.path.parent.name}/{problem.path.name}": problem.message for problem in problems}


def test_sound_folders_have_no_problem(tmp_path):
    assert found(draw_pairs(tmp_path, "abcdefgh")) == {}
    assert found("lakes", degrade=["blur"]) == {}


def test_all_is_found_at_once(tmp_path):
    draw_pairs(tmp_path, "abcdefgh")
    rows = "".join(f"{name},{'val' if name in 'gh' else 'train'}\n" for name in "abcdefgh")
    (tmp_path / "split.csv").write_text(f"name,split\n{rows}x,train\n")
    (tmp_path / "input/a.png").unlink()
    whole = (tmp_path / "target/b.jpg").read_bytes()
    (tmp_path / "target/b.jpg").write_bytes(whole[:-60])
    save(tmp_path / "target/c.jpg", picture(2, 6, 7))
    (tmp_path / "target/h.jpg").write_bytes((tmp_path / "target/d.jpg").read_bytes())
    problems = found(tmp_path)
    assert "target without input" in problems["target/a.jpg"]
    assert "broken image" in problems["target/b.jpg"]
    assert "a target is as large as its input" in problems["target/c.jpg"]
    assert "is the same picture as d.jpg, but one is in val and the other in train" in problems["target/h.jpg"]
    assert "names x, which has no image" in problems[f"{tmp_path.name}/split.csv"]
    assert len(problems) == 5


def test_a_folder_that_is_not_there_is_a_problem(tmp_path):
    assert "does not exist" in next(iter(found(tmp_path / "nowhere").values()))
