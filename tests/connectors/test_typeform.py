"""The connector of Typeform: an export with its quirks, and the numbers worked out by hand."""

from hashlib import sha256
from pathlib import Path

from connected import EXPORTS, connected


def key(address: str) -> str:
    """Work out the key of a person, with the salt of the tests."""
    return sha256(f"{'0' * 64}email:{address}".encode()).hexdigest()


def test_answers(tmp_path: Path) -> None:
    # times are in UTC whatever the zone of other files
    settings = {"raw_timezone": "Europe/Berlin", "tables": "survey_responses"}
    with connected(EXPORTS / "typeform", "typeform", salts=tmp_path, **settings) as ask:
        assert ask(
            "select response_id[10:13], customer_id, invited_at, responded_at::text, score, "
            "comment from restricted.base_survey_responses where survey_type = 'nps' order by 1"
        ) == [
            ("5dm9", key("ben@example.com"), None, "2025-03-02 09:05:00", 6, None),
            # submitted since, as the later file has it
            ("7psw", "C-103", None, "2025-03-03 10:04:00", 8, None),
            # nobody is no address
            ("a1s2", None, None, "2025-03-04 12:03:00", 9, "No reason"),
            ("hefu", key("anna@example.com"), None, "2025-03-02 00:02:10", 10, "Fast,\nand kind"),
            # the hidden field customer_id may hold an address
            ("q9w8", key("dora@example.com"), None, "2025-04-01 08:02:00", 0, "Slow"),
            # never submitted; k3v9 has not even a score
            ("z1x2", None, None, "2025-03-03 12:01:00", 7, None),
        ]
        # 5 + 3 + 4 + 2 + 1 for the delivery, 4 + 5 for the shop; "most satisfied" is no scale
        assert ask(
            "select survey_type, touchpoint, count(*), sum(score)::int "
            "from staging.stg_survey_responses group by 1, 2 order by 1, 2"
        ) == [
            ("ces", "how easy was it to order?", 2, 9),
            ("csat", "how <strong>satisfied</strong> are you with the delivery?", 5, 15),
            ("csat", "how satisfied are you with the shop?", 2, 9),
            (
                "nps",
                "hi {{field:7d95}}, how likely are you to recommend 'us' to a friend?",
                6,
                40,
            ),
        ]
        # an 11 on the scale of 1 to 7
        assert ask(
            "select response_id[10:], rejection_reasons from restricted.base_survey_responses "
            "where rejection_reasons is not null"
        ) == [("a1s2d3f4g5h6j7k8l9a1s2d3f4g5h6j7-ces", "score_out_of_range")]


def test_words_of_the_questions_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "antworten.csv").write_text(
        "#,Würdest du uns weiterempfehlen?,Wie zufrieden bist du?,Start Date (UTC),"
        "Submit Date (UTC),Network ID\n"
        "r1,9,4,2025-03-01 08:00:00,2025-03-01 08:02:00,n1\n",
        encoding="utf-8",
    )
    words = {"nps": "weiterempf", "csat": "zufrieden"}
    with connected(
        tmp_path, "typeform", salts=tmp_path, tables="survey_responses", survey_questions=words
    ) as ask:
        assert ask("select response_id, score from staging.stg_survey_responses order by 1") == [
            ("typeform-r1-csat", 4),
            ("typeform-r1-nps", 9),
        ]
