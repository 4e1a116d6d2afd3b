"""English words about life: work, money, well-being, decades, years, advice."""

from typing import Final

GROUP_CAREER: Final = {
    "比": "Self-directed work suits you: freelancing, sales, technical partnership. Put shares and duties on paper.",
    "食": "You live by talent: content, design, teaching, technology, food, the stage. Seek places that count results.",
    "财": "You have a feeling for business: trade, markets, finance, projects. Do not open too many fronts at once.",
    "官": "Platforms with rank and duty suit you: management, public service, law, quality, safety. Learn to delegate.",
    "印": "Fields of knowledge and reputation suit you: education, research, consulting, culture, care. Beware of acting late.",
}
GROUP_WEALTH: Final = {
    "比": "You earn by action and contacts, and it goes as quickly as it comes. Before you lend or share, ask whether you "
    "could bear to lose it.",
    "食": "Your money comes from skill and reputation: the better the work, the more clients return. Standardise it and price "
    "it properly.",
    "财": "You have a keen sense for money; chances are plenty, choosing is the art. Save a fixed part first.",
    "官": "Your income goes with position and credit. Steady steps suit you; quick gains outside the rules do not.",
    "印": "Your money comes from expertise: invest in learning early, harvest later. Do not only store knowledge, use it.",
}
STRENGTH_WEALTH: Final = {
    "偏强": "A strong day master can carry wealth: going out to meet chances suits you better than waiting. Let rules tame "
    "impulse buying.",
    "偏弱": "For a gentle day master too much at once is a load: secure the main income and your health, lean on a good team, "
    "avoid leverage.",
    "中和": "Self and wealth are about even: a main income with something small beside it fits; enlarge it in helpful years.",
}
ELEMENT_CAREER: Final = {
    "木": "Wood (education, publishing, gardening and farming, furniture and clothes, medicine, charity)",
    "火": "Fire (internet and electronics, media, food, energy, performing, beauty, lighting)",
    "土": "Earth (property and building, storage, agriculture, insurance, consulting, ceramics)",
    "金": "Metal (finance, law, machinery, cars, jewellery, information security, medical devices)",
    "水": "Water (trade and transport, travel, drinks and fish, communication, psychology, cross-border business)",
}
ELEMENT_EXCESS: Final = {
    "木": "Wood is plentiful: you tighten up easily; eyes, neck and shoulders tire first. Walk in the evening and stretch.",
    "火": "Fire is plentiful: sleep and mood heat up. Nap at noon, eat mildly, put screens away an hour before bed.",
    "土": "Earth is plentiful: you brood, and irregular meals upset you. Eat a little less, move more, write thoughts down.",
    "金": "Metal is plentiful: you are strict with yourself. Breathe deeply, move outdoors, drink enough in autumn.",
    "水": "Water is plentiful: deep thoughts, cold feet, late nights. Keep warm, seek sunlight, get up at a fixed time.",
}
ELEMENT_LACK: Final = {
    "木": "Wood is scarce: rise early in spring, be among trees, eat greens, stretch.",
    "火": "Fire is scarce: twenty minutes of morning sun, company and something you love do more than any tonic.",
    "土": "Earth is scarce: regular meals, whole grains and one fixed exercise give you ground.",
    "金": "Metal is scarce: practise rhythm and limits; breathing exercises and clearing out suit you.",
    "水": "Water is scarce: drink regularly, protect your sleep, keep an hour in which you do nothing.",
}
SEASON_HEALTH: Final = {
    "春": "Born in spring, mind your mood and allergies when seasons change; early to bed, early to rise.",
    "夏": "Born in summer, your chart is warm: drink enough, eat lightly, do not let business eat your sleep.",
    "秋": "Born in autumn, your chart is dry: moisture, breath and good cheer are the year's homework.",
    "冬": "Born in winter, your chart is cool: warmth, movement and sunlight balance you best.",
}
GOD_DECADE: Final = {
    "比肩": "Companions and rivals at once: good for standing on your own feet, not for spending for show.",
    "劫财": "Lively company and sudden chances; act, but keep cash and avoid guarantees.",
    "食神": "Talent finds its stage: learn, create, build a reputation, enjoy life.",
    "伤官": "A wish for change: good for new beginnings and invention; speak with some reserve.",
    "偏财": "Chances and contacts multiply; money comes and goes. Expand, but not greedily.",
    "正财": "Income steadies: good for settling down and looking after what you own.",
    "七杀": "Pressure and chances together train your courage; rules and mentors help.",
    "正官": "Standing and duty grow: good for examinations and promotion, by straight means.",
    "偏印": "Good for special knowledge and reflection; keep in touch with people.",
    "正印": "Mentors and learning: study, certificates, a home, and rest.",
}
GOD_YEAR: Final = {
    "比肩": "The year's stem is the Companion. At work allies appear, and somebody wants the same chance: show your strong "
    "side. Keep accounts apart; give love some room.",
    "劫财": "The year's stem is the Rival: fast and changeable. The daring gain, but put agreements on paper and think three "
    "times before large spending.",
    "食神": "The year's stem is Enjoyment, a year to unfold. Publish, show, learn; money follows reputation; relaxed places "
    "are where you meet people.",
    "伤官": "The year's stem is Expression: inspiration and temper both run high. Renew things, read contracts closely, and "
    "leave angry words unsaid.",
    "偏财": "The year's stem is Windfall: chances come from outside. Good for partnerships; save half of what you did not "
    "expect; tell admiration from love.",
    "正财": "The year's stem is Earned Wealth: effort pays. Plan a budget, settle old debts, buy what is useful; talk about "
    "practical plans in love.",
    "七杀": "The year's stem is the Challenger: duties grow, and bearing them is the step upwards. Do not fight people, keep "
    "written notes, rest, be patient at home.",
    "正官": "The year's stem is Authority: name and duty arrive together. Good for promotion, examinations, contracts, and for "
    "making a relationship firm.",
    "偏印": "The year's stem is Insight: turn inwards. Study and polish plans rather than expand; spend on learning and home; "
    "do not answer with silence.",
    "正印": "The year's stem is Support: mentors and learning. Good for certificates, contracts and property papers; family "
    "is your backing.",
}
GOD_HALF: Final = {
    "比肩": "In the second half peers take over: more cooperation, more favours; stay within your means.",
    "劫财": "In the second half expenses and changes grow: plan with a margin.",
    "食神": "In the second half you relax: travel, create, be with your family.",
    "伤官": "In the second half you want to show yourself: appear, but do not argue.",
    "偏财": "In the second half more chances come from outside: look at the risk first.",
    "正财": "In the second half income is steadier: close things, settle accounts, save.",
    "七杀": "In the second half the load grows: prepare early.",
    "正官": "In the second half rules and tests increase: be punctual and keep your word.",
    "偏印": "In the second half become quiet, look back and learn something new.",
    "正印": "In the second half help comes: rest, study, put your home in order.",
}
TONE: Final = {
    2: (
        "Both signs carry what your chart likes: go with it.",
        "Stem and branch both help: do early what you want to do; people and chances are near.",
        "The climate agrees with you; effort is answered, and you can sow as well as reap.",
        "These ten years go your way: put first what you most want to do, and take a larger step.",
        "This year goes your way: ask for what you are sure of.",
        "While it goes well, go further, and keep some strength for later.",
    ),
    1: (
        "Half of it suits your chart: choose the moment, then act.",
        "Help and cost come together: secure what you have before you expand.",
        "Smooth and rough alternate: keep plans flexible.",
        "These ten years push and pull: take what matters in stages, and look back after each.",
        "A year of give and take: keep your strength for the one or two things that count.",
        "Chances come with ties: before you say yes, ask what it is worth.",
    ),
    0: (
        "These elements are not what your chart asks for: hold, learn and gather; staying steady is winning.",
        "Little is given from outside: polish your skills and keep a way back open.",
        "Slow down and care for health, family and craft; the next stretch goes more lightly.",
        "In these ten years steady comes before fast: skills, savings and health are your ground.",
        "No need to race this year: finish well what is in your hands.",
        "The wind is not behind you: a good time to tidy up, learn and mend weak spots.",
    ),
}
CLASH: Final = "Its branch clashes with your day's branch: home, position or partnership may move; planned early, change is renewal."
JOIN: Final = "Its branch joins your day's branch: people and closeness help you; a good time for agreements."
SAME: Final = "Its branch repeats your day's branch: thoughts may circle; a change of scene helps."
ELEMENT_ADVICE: Final = {
    "木": "Wood helps: green, the east, plants and wooden furniture, reading, walks among trees; bookish, orderly people.",
    "火": "Fire helps: red, orange and purple, the south, bright rooms, sunlight and company; warm and talkative people.",
    "土": "Earth helps: yellow and brown, the centre, tidy and solid rooms, ceramics, nature; honest people.",
    "金": "Metal helps: white, gold and silver, the west, clear rooms, metal jewellery, clearing out; decided, fair people.",
    "水": "Water helps: black, blue and grey, the north, places near water, travel and exchange; clever, well-travelled people.",
}
GROUP_NONE: Final = {
    "比": "Companions are scarce in your chart. Find two or three allies and meet them regularly.",
    "食": "Expression is scarce in your chart. Share something once a week: a text, a story, a piece of work.",
    "财": "Wealth is scarce in your chart. Begin to keep accounts and set one small goal.",
    "官": "Authority is scarce in your chart. Give what matters a deadline and let a friend watch over it.",
    "印": "Learning is scarce in your chart. Keep fixed hours for reading and for asking those with experience.",
}
SMALL: Final = {
    "木": "stretch for ten minutes at an open window; put a plant on your desk; finish a book that was left lying.",
    "火": "take twenty minutes of morning sun; call a friend you have not seen for long; buy a brighter lamp.",
    "土": "fix the hours of your meals; tidy one drawer; write down next month's expenses.",
    "金": "give away what you no longer need; breathe deeply for five minutes a day; settle one thing that dragged on.",
    "水": "drink two more glasses of water a day; put the phone away before bed; take a short trip to the water.",
}
STEM_WISH: Final = {
    "甲": "May you be like a great tree: deep in root and wide in branch.",
    "乙": "May you be like the wisteria: soft, unbowed, and always finding its sunny wall.",
    "丙": "May you be like the morning sun, and keep some warmth for yourself.",
    "丁": "May the lamp in you burn long and light the way for those beside you.",
    "戊": "May you be like a mountain: steady, and open to the far view.",
    "己": "May you be like good soil, and have your own rich harvest.",
    "庚": "May you be like a good blade: strong, and used with measure.",
    "辛": "May you be like a jewel: no need to compete, and treasured by those who know.",
    "壬": "May you be like a great river: in motion, with a direction, on the way to the open.",
    "癸": "May you be like rain: quiet, and followed by new green everywhere.",
}
GROUP_CHILD: Final = {
    "比": "a childhood of playmates and competition; team sports teach sharing.",
    "食": "a playful, talkative childhood; painting, music and crafts open the mind.",
    "财": "a sensible childhood; pocket money teaches planning.",
    "官": "a childhood with rules; embraces and praise are needed too.",
    "印": "a childhood loved by elders, full of stories and questions; reading takes root.",
}
GROUP_ELDER: Final = {
    "比": "company is the blessing of these years: old friends, neighbours, brothers and sisters.",
    "食": "pleasure is the blessing of these years: writing, gardening, a favourite dish.",
    "财": "order is the blessing of these years: arrange your affairs early and live within your means.",
    "官": "measure is the blessing of these years: a regular day, check-ups, and tasks handed to the young.",
    "印": "nourishment is the blessing of these years: books, stillness, talks with the young.",
}
WEALTH_STAR: Final = {
    "shown": "The wealth star shows among the stems: what you do and what you get for it are plainly linked; do not be too "
    "modest about the price.",
    "hidden": "The wealth star is hidden in the branches: wealth builds up quietly through steady relations and grows with time.",
    "none": "The wealth star is not visible: money itself rarely drives you. Build skill and name, and it follows as reward.",
}
GROUP_YOUTH: Final = {
    "比": "friends weigh much as you grow up; strive together, and beware of showing off.",
    "食": "talent begins to show as you grow up; clubs, contests and works are the stage.",
    "财": "a practical mind early; learning by doing and handling time and money put you ahead.",
    "官": "examinations and rules set the tone as you grow up; with a clear aim pressure is a ladder.",
    "印": "learning and teachers are kind to you; study pays, and so does seeing the world.",
}
