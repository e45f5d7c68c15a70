"""The connector of Qualtrics: an export with its quirks, and the numbers worked out by hand."""

from hashlib import sha256
from pathlib import Path

import pytest
from connected import EXPORTS, connected

from python_helpers.delivery.standins import CompilerError

BEN = sha256(("0" * 64 + "email:ben@example.com").encode()).hexdigest()
SHORT = "StartDate,EndDate,RecordedDate,Status,ResponseId,RecipientEmail,ExternalReference,"


def test_answers_and_invitations(tmp_path: Path) -> None:
    # an invitation after the last answer is held back, unless a later day is asked for
    settings = {"as_of_date": "2025-04-30", "tables": "survey_responses"}
    with connected(EXPORTS / "qualtrics", "qualtrics", salts=tmp_path, **settings) as ask:
        assert ask(
            "select replace(response_id, 'qualtrics-', ''), customer_id, invited_at::text, "
            "responded_at::text, score from staging.stg_survey_responses "
            "where survey_type = 'nps' order by 1"
        ) == [
            # 18:01 in Denver, seven hours before UTC
            ("CID_1-EMD_7-nps", "C-101", "2025-03-03 16:00:00", "2025-03-04 01:01:44", 10),
            # asked again after the answer, so no reminder; noon in summer is 18:00
            ("CID_1-EMD_9-nps", "C-101", "2025-03-25 16:00:00", "2025-03-26 18:00:00", 7),
            # asked on the 3rd, answered after the reminder of the 4th
            ("CID_2-EMD_7-nps", BEN, "2025-03-03 16:00:00", "2025-03-04 16:12:30", 6),
            # 37 days after the reminder comes another survey
            ("CID_3-EMD_10-nps", "C-103", "2025-04-10 16:00:00", None, None),
            ("CID_3-EMD_7-nps", "C-103", "2025-03-03 16:00:00", None, None),
            # as the file that sorts last has it; the mail to CID_4 bounced
            ("CID_5-EMD_7-nps", "C-105", "2025-03-03 16:00:00", "2025-03-12 14:00:20", 8),
            # by the anonymous link, and offline. Previews, spam and an 11 are left out
            ("R_5eVp-nps", None, None, "2025-03-06 18:31:00", 9),
            ("R_9iOf-nps", "C-109", None, "2025-03-08 19:05:00", 0),
        ]
        # 5, 3, 4 and 4 of the four people who gave an answer; three invitations have none
        assert ask(
            "select survey_type, count(invited_at), count(score), sum(score)::int "
            "from staging.stg_survey_responses where survey_type <> 'nps' group by 1 order by 1"
        ) == [("ces", 2, 1, 6), ("csat", 6, 4, 16)]
        # the comment goes with the main score; the words of a question are the touchpoint
        assert ask(
            "select response_id, comment, touchpoint from restricted.base_survey_responses "
            "where comment is not null order by 1"
        ) == [
            ("qualtrics-CID_1-EMD_20-ces", "Easy", "<b>How easy</b> was it to reach us?"),
            (
                "qualtrics-CID_1-EMD_7-nps",
                "Quick,\nas always",
                "How likely are you to recommend us?",
            ),
        ]
        assert ask(
            "select response_id, rejection_reasons from restricted.base_survey_responses "
            "where rejection_reasons is not null order by 1"
        ) == [
            ("qualtrics-R_7gIm-csat", "score_out_of_range"),
            ("qualtrics-R_7gIm-nps", "score_out_of_range"),
        ]


def test_responses_alone_that_were_edited(tmp_path: Path) -> None:
    # lines 2 and 3 are gone, dates are American, and answers are words
    (tmp_path / "survey.csv").write_text(
        SHORT + "Recommend_NPS_GROUP,Recommend,satisfaction,satisfaction_2,Recommend_TEXT\n"
        "3/30/2025 9:00,3/30/2025 9:10,3/30/2025 9:10,IP Address,R_1,,KIM@example.com,"
        "Promoter,9,5,2,\n"
        "3/31/2025 9:00,3/31/2025 9:10,3/31/2025 9:10,IP Address,R_2,,C-2,,,Satisfied,,good\n"
        "3/31/2025 9:00,3/31/2025 9:10,3/31/2025 9:10,Survey Test,R_3,,,,9,,,\n",
        encoding="utf-8",
    )
    settings = {"raw_timezone": "Europe/Berlin", "tables": "survey_responses"}
    with connected(tmp_path, "qualtrics", salts=tmp_path, **settings) as ask:
        # summer began in Berlin on the 30th; two questions of one type are two rows
        assert ask(
            "select response_id, length(customer_id), responded_at::text, score, "
            "rejection_reasons from restricted.base_survey_responses order by 1"
        ) == [
            ("qualtrics-R_1-csat", 64, "2025-03-30 07:10:00", 5, None),
            ("qualtrics-R_1-csat-2", 64, "2025-03-30 07:10:00", 2, None),
            ("qualtrics-R_1-nps", 64, "2025-03-30 07:10:00", 9, None),
            ("qualtrics-R_2-csat", 3, "2025-03-31 07:10:00", None, "invalid_score"),
        ]
    nothing = {"survey_questions": {"csat": "joy"}, "tables": "survey_responses"}
    (tmp_path / "survey.csv").write_text(
        SHORT + "Q1\n,,2025-03-30 09:10:00,IP Address,R_1,,,5\n", encoding="utf-8"
    )
    with (
        pytest.raises(CompilerError, match="qualtrics: no question of the exports"),
        connected(tmp_path, "qualtrics", salts=tmp_path, **nothing),
    ):
        pass


@pytest.mark.parametrize(
    ("question", "told", "scale"),
    [
        # the export has numbers alone, so somebody says what they are of
        ("satisfied", {"csat": [1, 3]}, (1, 3)),
        ("On a scale of 1 to 3 how satisfied are you?", {}, (1, 3)),
        ("How satisfied are you? (0-10 scale)", {}, (0, 10)),
        ("On a scale from 1 to 10 how satisfied are you?", {"csat": [1, 3]}, (1, 3)),
        ("How satisfied were you in the last 2 to 3 weeks?", {"nps": [1, 3]}, (None, None)),
    ],
)
def test_a_scale_of_three_points_is_no_scale_of_five(
    tmp_path: Path, question: str, told: dict, scale: tuple
) -> None:
    (tmp_path / "survey.csv").write_text(
        SHORT + f"{question}\n,,2025-03-30 09:10:00,IP Address,R_1,,,3\n", encoding="utf-8"
    )
    settings = {"survey_scales": told, "tables": "survey_responses"}
    with connected(tmp_path, "qualtrics", salts=tmp_path, **settings) as ask:
        assert ask("select score, scale_min, scale_max from staging.stg_survey_responses") == [
            (3, *scale)
        ]
