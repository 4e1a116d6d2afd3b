"""The English sentences that hold the composed text together; everything else is in the two files beside it."""

from typing import Final

LINES: Final = {
    "image": "Your day pillar is {day}; your day master is {stem} {element}, pictured in nature as {image}. {season} The "
    "pillars are {pillars}.",
    "elements": "The elements are spread like this: {elements}.",
    "excess": "{element} is the main melody: a gift when used well, a habit when overdone.",
    "lack": "{element} is light; what it stands for wants to be practised.",
    "even": "No element is far too strong or too weak: a rare balance.",
    "favourable": "Therefore {elements} help this chart: work, places, habits and people that carry them do you good.",
    "theme": "The theme of this chart in one sentence: stand on the nature of {element}, succeed with the help of {helper}.",
    "work": "{work}. {god}",
    "fields": "With the helpful elements in mind, these fields are close to you. {fields}. What counts is the kind of work, "
    "not the name of the trade.",
    "no_promise": "This is about character and habits; it is no investment advice and promises no gain.",
    "clash_home": "Your day's branch is opposed by another pillar: early moves or partings may have made you sensitive about "
    "stability. Commitments made with maturity last longer.",
    "calm_home": "Your day's branch is not opposed: you carry a calm picture of home. In a quarrel soothe the feeling first "
    "and discuss who is right afterwards.",
    "love_tip": "People who bring you {elements} suit you best: {people}.",
    "doctor": "These are hints for daily life and no diagnosis; please see a doctor when you feel unwell.",
    "luck": "Ages are counted as in China, with the year of birth as one. A decade of luck is like a season: act with it.",
    "decade": "From {year} (age {age}), {pillar}: {god} {tone} {relation}",
    "now": "You are in the decade {pillar} ({year} to {end}). Its stem {stem} colours the first years, its branch {branch} the "
    "later ones: first the {god}, then the {half}. {tone} Write down the one thing you want to finish in these ten years, "
    "and look at it once a year.",
    "before": "Your first decade of luck has not begun; childhood follows the family and the years. Company and rhythm are the "
    "best luck.",
    "year": "{year}, {pillar}, age {age}: {god}",
    "half": "{tone} {relation} The stem {stem} rules the first half, the branch {branch} the second. {half}",
    "meets": "Together with your running decade {pillar}, {how}.",
    "meets_same": "both carry what helps you: a year to reach out and to begin what matters",
    "meets_mixed": "help and hindrance mix: hold on to the one most important thing",
    "meets_low": "neither is what the chart asks for: gather rather than spend; learn, rest, care for people",
    "alone": "No decade of luck runs yet, so the year works more directly.",
    "three": "Three small things to begin this month: {things}",
    "wish": "A last word: {wish} A chart describes a temper and a rhythm; the hand that writes is your own.",
    "star_years": "Of the next five years, {years} carry the star of {star}; keep some time and an open mind for it.",
    "wealth_years": "Of the next five years, {years} carry wealth most clearly: good for talking about pay and collecting "
    "what is owed. The others are for keeping and building.",
    "unknown_hour": "The hour of birth is not known, so three pillars are read and details about later life are left out.",
}
AGE: Final = (
    (
        17,
        "At {age} foundations are laid. Do not hurry to choose; curiosity and concentration grow into a calling.",
    ),
    (
        29,
        "At {age} trying costs least. Find one main line within three years; skill and reputation begin to roll.",
    ),
    (
        44,
        "At {age} the career climbs. Do the one thing for which people think of you, and begin to train successors.",
    ),
    (
        59,
        "At {age} experience is your capital. Move from the front line to giving direction and training others.",
    ),
    (
        200,
        "At {age} passing on comes first. Advise, teach, write down what you know; harmony at home is the greatest work.",
    ),
)
"""(up to this age, text)."""
STAR: Final = {"财": "wealth, 财星", "官": "authority, 官星"}
PEOPLE: Final = {
    "木": "upright, well-read, growing with you",
    "火": "warm, cheerful, expressive",
    "土": "steady, honest, practical",
    "金": "clear, principled, true to their word",
    "水": "clever, gentle, good listeners",
}
JOINER: Final = ", "
STOP: Final = "; "
YEAR: Final = "{year} ({pillar})"
SPACE: Final = " "
