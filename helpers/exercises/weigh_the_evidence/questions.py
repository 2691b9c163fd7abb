"""Questions of the notebook `weigh_the_evidence`."""

from helpers.exercises.engine import matching, number, order, prediction

number(
    "weigh-edge",
    answer=2,
    within_absolute=0.1,
    recalls="smoothing",
    reason="On a parabola of curvature s, a step of rate r overshoots for good once r s exceeds 2. "
    "Training moves up to that edge and stays near it.",
)
number(
    "weigh-power-of-length",
    answer=2,
    within_absolute=0.1,
    recalls="length_and_direction",
    reason="The gradient shrinks with the length of the weights, and the angle of a step of given "
    "length shrinks with it once more: lr / |w|².",
)
number(
    "weigh-two-samples",
    answer=1,
    within_absolute=0.1,
    recalls="when_it_fails",
    reason="Of two samples, one becomes 1 and the other -1, up to eps, whatever they were.",
)
prediction(
    "weigh-equality",
    right="c",
    a="that it is right says nothing about what it causes. A formula for a gradient is no evidence "
    "that its length is why networks train.",
    b="it agrees with the explanation as far as it goes. It does not go as far as training.",
    c="the theorem gives the length of one layer's gradient. Whether this makes training easier, "
    "it does not say, equality or not.",
    believed={"a": "claim: theorem-is-an-equality", "b": "claim: theorem-shortens"},
)
order(
    "weigh-support",
    answer="badc",
    measured_by="[supporting[n] for n in ('gradients and depth', 'smoothing', 'larger rates', "
    "'length and direction')]",
    reason="Count with care: a claim that was tested more often than others is not truer. But that "
    "so much bears on larger rates says where this course has found something.",
    a="gradients and depth",
    b="smoothing",
    c="larger rates",
    d="length and direction",
)
number(
    "weigh-both-sides",
    answer=6,
    within_absolute=0.5,
    measured_by="on_both_sides",
    unit="explanations",
    reason="Each has claims on its side and claims against it. So none is plainly false, and none "
    "is the whole story.",
)
matching(
    "weigh-tensions",
    answer="dacb",
    things="pair",
    reason="Each pair is two findings in two settings. What differs between the settings resolves "
    "it.",
    a="in common",
    b="depth and batches",
    c="room, taken or not",
    d="whose rate",
)
