"""Images are dealt out in the shares asked for, the same each time, and what belongs together stays together."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piste.data.deal import Deal, deal_out, default_split
from piste.data.split import GroupRecipe, SplitRecipe

NOWHERE = Path("data")
THIRDS = (0.5, 0.3, 0.2)


def by_name(deal: Deal) -> dict[str, str]:
    return {name: split for split, names in deal.members.items() for name in names}


def sizes(deal: Deal) -> list[int]:
    return [len(deal.members[split]) for split in ("train", "val", "test") if split in deal.members]


def written(folder: Path, text: str, name: str = "split.csv") -> Path:
    (folder / name).write_text(text)
    return folder


@settings(deadline=None)
@given(st.integers(10, 300), st.integers(0, 1000))
def test_shares_are_kept_to_within_an_image(count, seed):
    names = [f"{i:04}" for i in range(count)]
    deal = deal_out(SplitRecipe(ratio=THIRDS, seed=seed), NOWHERE, names)
    assert deal.problems == []
    assert sorted(by_name(deal)) == names
    for size, share in zip(sizes(deal), THIRDS, strict=True):
        assert abs(size - share * count) <= 1


@settings(deadline=None)
@given(st.permutations([f"{i}" for i in range(12)]))
def test_the_order_in_which_images_are_found_does_not_matter(names):
    recipe = SplitRecipe(ratio=THIRDS, seed=3, stratify=True)
    foreground = {name: int(name) / 12 for name in names}
    assert deal_out(recipe, NOWHERE, names, foreground) == deal_out(recipe, NOWHERE, sorted(names), foreground)


def test_a_seed_gives_one_split_and_another_seed_another():
    names = [f"{i}" for i in range(30)]
    first, again, other = (by_name(deal_out(SplitRecipe(ratio=THIRDS, seed=s), NOWHERE, names)) for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_split_is_not_the_order_of_the_names():
    names = [f"{i:02}" for i in range(40)]
    train = deal_out(SplitRecipe(ratio=(0.5, 0.5)), NOWHERE, names).members["train"]
    assert train != names[:20]
    assert 3 <= sum(name in train for name in names[:20]) <= 17


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=3, max_size=80), st.integers(0, 100), st.booleans())
def test_no_group_is_in_two_splits_and_no_split_is_empty(groups, seed, stratify):
    names = [f"g{group:02}_{i}" for i, group in enumerate(groups)]
    foreground = {name: (i % 5) / 10 for i, name in enumerate(names)}
    recipe = SplitRecipe(ratio=THIRDS, seed=seed, stratify=stratify, group=GroupRecipe(pattern=r"^g(\d+)_"))
    deal = deal_out(recipe, NOWHERE, names, foreground)
    split_of = by_name(deal)
    assert sorted(split_of) == sorted(names)
    homes = {group: {split_of[name] for name in names if name.startswith(f"g{group:02}_")} for group in set(groups)}
    assert all(len(splits) == 1 for splits in homes.values())
    if len(homes) >= 3:
        assert deal.problems == []
        assert set(deal.members) == {"train", "val", "test"}
    else:
        assert [problem.message for problem in deal.problems] == [
            f"split {split} is empty: there are {len(homes)} groups for data.split.ratio to deal out"
            for split in ("train", "val", "test")[len(homes) :]
        ]


def test_groups_of_one_size_keep_the_shares_to_within_a_group():
    names = [f"{group:02}-{i}" for group in range(20) for i in range(7)]
    recipe = SplitRecipe(ratio=THIRDS, group=GroupRecipe(pattern=r"^\d+"))
    for size, share in zip(sizes(deal_out(recipe, NOWHERE, names)), THIRDS, strict=True):
        assert abs(size - share * 140) <= 7


@settings(deadline=None)
@given(st.integers(0, 100))
def test_stratified_splits_share_little_and_much_foreground_alike(seed):
    # 20 images without foreground and 80 with 1 % ... 80 %: four strata of 20 between them
    foreground = {f"n{i}": 0.0 for i in range(20)} | {f"y{i:02}": i / 100 for i in range(1, 81)}
    deal = deal_out(SplitRecipe(ratio=THIRDS, seed=seed, stratify=True), NOWHERE, list(foreground), foreground)
    for names, share in zip(deal.members.values(), THIRDS, strict=True):
        assert abs(len(names) - 100 * share) <= 1
        strata = Counter(0 if not foreground[name] else 1 + (round(100 * foreground[name]) - 1) // 20 for name in names)
        for stratum in range(5):
            assert abs(strata[stratum] - 20 * share) <= 1


def test_without_stratification_foreground_may_fall_anywhere():
    foreground = {f"{i:03}": float(i < 10) for i in range(100)}
    counts = set()
    for seed in range(20):
        deal = deal_out(SplitRecipe(ratio=(0.8, 0.2), seed=seed), NOWHERE, list(foreground))
        counts.add(sum(foreground[name] > 0 for name in deal.members["val"]))
    assert len(counts) > 2


def test_a_large_group_leaves_room_for_the_shares():
    names = [f"large-{i}" for i in range(40)] + [f"small{i}-" for i in range(60)]
    for seed in range(5):
        recipe = SplitRecipe(ratio=THIRDS, seed=seed, group=GroupRecipe(pattern="^[^-]+"))
        assert sizes(deal_out(recipe, NOWHERE, names)) == [50, 30, 20]


def test_what_strata_round_up_in_one_split_they_round_down_in_the_next():
    # four strata of 10 and a share of 15 %: one or two of each, six in all
    foreground = {f"{i:02}": (i + 1) / 100 for i in range(40)}
    recipe = SplitRecipe(ratio=(0.7, 0.15, 0.15), stratify=True)
    assert sizes(deal_out(recipe, NOWHERE, list(foreground), foreground)) == [28, 6, 6]


def test_two_shares_make_two_splits_and_a_share_of_nothing_makes_none():
    names = [f"{i}" for i in range(10)]
    assert sizes(deal_out(SplitRecipe(ratio=(0.7, 0.3)), NOWHERE, names)) == [7, 3]
    assert set(deal_out(SplitRecipe(ratio=(0.7, 0.3, 0)), NOWHERE, names).members) == {"train", "val"}


def test_few_images_are_dealt_so_that_no_split_is_empty():
    assert sizes(deal_out(SplitRecipe(ratio=(0.9, 0.05, 0.05)), NOWHERE, ["a", "b", "c"])) == [1, 1, 1]
    deal = deal_out(SplitRecipe(ratio=(0.9, 0.05, 0.05)), NOWHERE, ["a", "b"])
    assert [problem.message for problem in deal.problems] == [
        "split test is empty: there are 2 images for data.split.ratio to deal out"
    ]


def test_a_file_is_followed(tmp_path):
    written(tmp_path, "name,split\na,val\nb,train\nc,train\n")
    deal = deal_out(SplitRecipe(), tmp_path, ["a", "b", "c"])
    assert deal == Deal({"train": ["b", "c"], "val": ["a"]}, [])


def test_all_that_is_wrong_with_a_file_is_said_at_once(tmp_path):
    written(tmp_path, "name,split\na,train\nb,trian\nc,trian\nx,val\n")
    deal = deal_out(SplitRecipe(), tmp_path, ["a", "b", "c", "d"])
    assert [problem.message for problem in deal.problems] == [
        "names x, which has no image; remove the row",
        "has no row for the image d; add one",
        "puts b and 1 more into the split 'trian'; nearest: train; there are test, train, val",
        "puts no image into val; name some",
    ]


def test_a_file_may_not_tear_a_group_apart(tmp_path):
    written(tmp_path, "name,split,block\na1,train,1\na2,test,1\nb1,val,2\nb2,val,2\n")
    torn = deal_out(SplitRecipe(group=GroupRecipe(column="block")), tmp_path, ["a1", "a2", "b1", "b2"])
    assert [problem.message for problem in torn.problems] == [
        "spreads the group 1 over train and test; keep it in one split"
    ]
    torn = deal_out(SplitRecipe(group=GroupRecipe(pattern="[ab]")), tmp_path, ["a1", "a2", "b1", "b2"])
    assert [problem.message for problem in torn.problems] == [
        "spreads the group 'a' over train and test; keep it in one split"
    ]
    assert deal_out(SplitRecipe(group=GroupRecipe(pattern=".+")), tmp_path, ["a1", "a2", "b1", "b2"]).problems == []


def test_a_column_groups_images_that_a_ratio_deals_out(tmp_path):
    written(tmp_path, "name,block\n" + "".join(f"{i},{i % 4}\n" for i in range(12)), "blocks.csv")
    recipe = SplitRecipe(file="blocks.csv", ratio=THIRDS, group=GroupRecipe(column="block"))
    deal = deal_out(recipe, tmp_path, [f"{i}" for i in range(12)])
    assert deal.problems == []
    assert all(len({int(name) % 4 for name in names}) * 3 == len(names) for names in deal.members.values())


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (GroupRecipe(column="bloc"), "has no column bloc; its first line, split at commas, has name, block"),
        (GroupRecipe(column="block"), "the column block is empty for b"),
        (GroupRecipe(pattern=r"^([ac])"), "data.split.group.pattern '^([ac])' does not occur in the name b and 1 more"),
    ],
)
def test_a_group_that_can_t_be_told_is_refused(tmp_path, group, message):
    written(tmp_path, "name,block\na,1\nb,\nc,2\nd,3\n")
    deal = deal_out(SplitRecipe(ratio=THIRDS, group=group), tmp_path, list("abcd"))
    assert [problem.message for problem in deal.problems] == [message]


def test_all_groups_in_a_pattern_s_brackets_are_compared():
    names = [f"{block}_{day}_{i}" for block in "ab" for day in "xy" for i in range(3)]
    recipe = SplitRecipe(ratio=(0.5, 0.25, 0.25), group=GroupRecipe(pattern=r"(.)_(.)_"))
    deal = deal_out(recipe, NOWHERE, names)
    assert [len({name[:3] for name in members}) for members in deal.members.values()] == [2, 1, 1]


def test_only_what_is_in_brackets_is_compared():
    names = [f"{block}_{i}" for block in "ab" for i in range(10)]
    recipe = SplitRecipe(ratio=(0.5, 0.5), group=GroupRecipe(pattern=r"^(.)_\d"))
    assert [len({name[0] for name in members}) for members in deal_out(recipe, NOWHERE, names).members.values()] == [
        1,
        1,
    ]


def test_the_default_is_the_folder_s_file_where_it_holds_splits(tmp_path):
    assert default_split(tmp_path) == SplitRecipe(ratio=(0.7, 0.15, 0.15))
    assert default_split(written(tmp_path, "name,block\na,1\n")) == SplitRecipe(ratio=(0.7, 0.15, 0.15))
    assert default_split(written(tmp_path, "name,split\na,train\n")) == SplitRecipe()
