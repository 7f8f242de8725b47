from actors.envelope import Envelope


def test_the_first_answer_wins_and_later_ones_go_nowhere() -> None:
    answers: list[object] = []
    envelope = Envelope("hello", answers.append)
    envelope.answer("first")
    envelope.answer("second")
    assert answers == ["first"]


def test_a_message_without_a_reply_can_be_answered_to_say_that_it_is_done() -> None:
    envelope = Envelope("hello")
    assert not envelope.answered
    envelope.answer()
    assert envelope.answered


def test_a_reply_that_answers_again_is_called_once() -> None:
    answers: list[object] = []

    def reply(value: object) -> None:
        answers.append(value)
        envelope.answer("again")

    envelope = Envelope("hello", reply)
    envelope.answer("first")
    assert answers == ["first"]
