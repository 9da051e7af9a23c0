from structlog.testing import capture_logs

from worker.terminal import progress_bars, progress_lines, recap_head


def test_each_stage_is_logged_once_when_it_starts_and_once_when_it_ends():
    with capture_logs() as logs, progress_lines() as report:
        for done in (0.0, 1.25, 2.5, 5.0):
            report("decode", done, 5.0)
        report("transcribe", 1.0, 0.0)
    assert logs == [
        {"event": "stage.started", "log_level": "info", "stage": "decode", "done_s": 0.0, "total_s": 5.0},
        {"event": "stage.ended", "log_level": "info", "stage": "decode", "done_s": 5.0, "total_s": 5.0},
        {"event": "stage.started", "log_level": "info", "stage": "transcribe", "done_s": 1.0, "total_s": 0.0},
    ]


def test_bars_name_the_recording_and_its_stages_in_german_on_stderr(capfd):
    with progress_bars("Gespräch [bold].mp3") as report:
        report("decode", 30.0, 90.0)
        report("decode", 90.0, 90.0)
        report("store", 3.0, 10.0)
        report("unheard-of", 0.0, 0.0)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "Gespräch [bold].mp3" in shown.err
    assert "Ton wird gelesen" in shown.err
    assert "1:30 / 1:30" in shown.err
    assert "3/10" in shown.err
    assert "unheard-of" in shown.err


def test_the_head_of_a_recap_begins_with_what_it_is(sample_transcript, sample_recap, sample_labels):
    lines = list(recap_head(sample_transcript, sample_recap, sample_labels))
    text = "\n".join(lines)
    assert lines[0].startswith("! Die Aufnahme ist unvollständig")
    assert lines[1] == "ENTWURF – maschinell erstellt, redaktionell ungeprüft"
    assert text.index(sample_recap.headline.text) < text.index("Anna Berg sprach mit zwei Gästen.")
    assert "Claire Dunn, 0:42" in text
    assert "0:33  Claire, what about London?" in text


def test_silence_has_a_notice_and_no_draft(empty_transcript, empty_recap, sample_labels):
    for recap in (empty_recap, None):
        (line,) = recap_head(empty_transcript, recap, sample_labels)
        assert line.startswith("! In dieser Aufnahme wurde keine Sprache gefunden")
