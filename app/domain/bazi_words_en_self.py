"""English words about the person: day stems, season, strength, ten gods, partner."""

from typing import Final

STEM_IMAGE: Final = {
    "甲": "a tall tree",
    "乙": "flowers and vines",
    "丙": "the sun at noon",
    "丁": "candle and starlight",
    "戊": "a great mountain",
    "己": "a fertile garden",
    "庚": "raw ore and the blade made of it",
    "辛": "a finely cut jewel",
    "壬": "a flowing river",
    "癸": "rain and dew",
}
STEM_NATURE: Final = {
    "甲": "Jia Wood grows upwards. Once you have seen where to go you keep going; you have principles, you carry "
    "responsibility, and you say things straight. Elders and superiors come to trust you because your word holds.",
    "乙": "Yi Wood bends and does not break. You seem easy-going and know very well what you want: where a wall stands "
    "you grow around it. You read moods well and get further through people than others do by force.",
    "丙": "Bing Fire shines openly. Your warmth can't be hidden, you react quickly and give generously, and when the "
    "mood of a room sinks it is often you who lifts it again.",
    "丁": "Ding Fire is warm and concentrated. You are not loud, but you see fine things others miss and can go very deep "
    "into one subject. You remember kindness, and your quiet persistence surprises people.",
    "戊": "Wu Earth is steady and solid. You seem reliable at first sight: you promise little and keep it all. You value "
    "order and safety, and people want to hear your opinion when something big happens.",
    "己": "Ji Earth nourishes. You understand others and bring scattered people and things into order. You do not seek "
    "the stage, and yet you are often the one through whom things really get done.",
    "庚": "Geng Metal is firm and decided. You act, you dislike dragging, and difficulty wakes your spirit. You are fair "
    "and loyal, able to decide at the critical moment and to answer for it.",
    "辛": "Xin Metal is precious and keen. You have a natural sense of quality and measure and see the detail that others "
    "overlook. You do not settle for less; taken seriously, you sparkle.",
    "壬": "Ren Water never stands still. Your mind is wide and adapts quickly; new people and places attract you. You plan "
    "far ahead, are generous about trifles and have room for big pictures.",
    "癸": "Gui Water moistens without a sound. Your intuition is sure, your imagination rich, and you listen well. You are "
    "gentle and patient, and your influence ends up larger than it looked.",
}
STEM_SHADOW: Final = {
    "甲": "Mind that a straight tree catches the wind: when things go otherwise you would rather break than bend. Ask why "
    "others see it differently first; the road becomes wider.",
    "乙": "Mind that you weigh too long and put your own needs last until it is too much. Say earlier what you hope for.",
    "丙": "Mind that what heats quickly cools quickly. Promise a little less when you are enthusiastic, and your light "
    "lasts longer.",
    "丁": "Mind that you think much and say little, and make small things heavy. Write the worry down or tell it to a "
    "friend.",
    "戊": "Mind that steadiness can harden into stubbornness. Give yourself a rule: try one small step first.",
    "己": "Mind that you find it hard to refuse. 'Let me think about it' is a kindness to yourself.",
    "庚": "Mind that a sharp edge makes people step back, most of all when you are right. Listen first, conclude after.",
    "辛": "Mind that high standards can trap you: waiting for perfection, you begin late. Finish first, polish then.",
    "壬": "Mind that water without banks makes no river. Choose one or two things and follow them to the end.",
    "癸": "Mind that moods around you become your own. Being alone restores you, but do not hide too deep.",
}
STEM_WORK: Final = {
    "甲": "You do well where you can grow and stand for something: leading, opening new ground, making rules",
    "乙": "You do well where people have to be brought together with tact and taste",
    "丙": "You do well in front of people, where speaking and inspiring counts",
    "丁": "You do well where concentration counts and a craft can be mastered",
    "戊": "You do well where trust and oversight count: keeping resources, holding the base",
    "己": "You do well where patience and service count: smoothing processes, looking after people",
    "庚": "You do well where results count: hard tasks, execution, trouble that others avoid",
    "辛": "You do well where quality counts: refining details, guarding standards",
    "壬": "You do well where things move and information flows: connecting, planning",
    "癸": "You do well where insight and ideas count: research, concepts, helping others grow",
}
STEM_LOVE: Final = {
    "甲": "In love you are the one who holds the umbrella; you show affection by taking things on.",
    "乙": "In love you are attentive, and you need to be told clearly that you matter.",
    "丙": "In love you are warm and direct; what you fear most is coldness and guessing.",
    "丁": "In love you warm slowly and last long, and hope to be understood without many words.",
    "戊": "In love you value promises and calm; your affection is plain and gives ground under the feet.",
    "己": "In love you are gentle and caring; you say it with what you do every day.",
    "庚": "In love you are frank and protective; you like partners with a mind of their own.",
    "辛": "In love you have standards; being admired and respected is where it begins.",
    "壬": "In love you need room and freshness; good talk matters more than anything.",
    "癸": "In love you are sensitive and romantic; a small gesture can settle or unsettle you.",
}
SEASON: Final = {
    0: "You were born in the month of {month}, whose energy is your own: you stand on home ground.",
    1: "You were born in the month of {month}, which you feed: your energy flows outwards, so leave some rest for yourself.",
    2: "You were born in the month of {month}, which you rule: life keeps you busy, and success lies in choosing.",
    3: "You were born in the month of {month}, which rules you: demands came early, and gave you measure and toughness.",
    4: "You were born in the month of {month}, which feeds you: elders, teachers and knowledge nourish you.",
}
STRENGTH: Final = {
    "偏强": "Your own element and the one that feeds it make up about {support}% of the chart: the day master is strong. "
    "Such a chart needs an outlet. Put the strength into expression, creation and responsibility, and things flow.",
    "偏弱": "Your own element and the one that feeds it make up about {support}% of the chart: the day master is gentle. That "
    "is no fault; it means that you are perceptive and can use help. Build roots first: learning, health, good companions.",
    "中和": "Your own element and the one that feeds it make up about {support}% of the chart: the day master is balanced. You "
    "can advance and hold back; the art is to shift your weight as the years change.",
}
GROUP_MOST: Final = {
    "比": "The gods of companionship (比劫) stand out: you are independent, competitive and value equality. Agree on rules "
    "before you share or lend.",
    "食": "The gods of expression (食伤) stand out: ideas, words or skilled hands, and little love for fetters. Making "
    "something out of an idea is your greatest joy.",
    "财": "The gods of wealth (财星) stand out: you are practical, alert to chances and costs, and like effort to show.",
    "官": "The gods of authority (官杀) stand out: you are disciplined and responsible, stand pressure, and sometimes pull the "
    "string too tight.",
    "印": "The gods of learning (印星) stand out: you want to understand before you act, and you have a rich inner world.",
}
GOD_MONTH: Final = {
    "比肩": "The month carries the Companion (比肩): peers play a great part in your life, as allies and as rivals.",
    "劫财": "The month carries the Rival (劫财): you dare while others hesitate, are popular and spend freely.",
    "食神": "The month carries Enjoyment (食神): you have taste, enjoy the way and create gently.",
    "伤官": "The month carries Expression (伤官): clever and sharp, you question old rules and live by talent.",
    "偏财": "The month carries Windfall (偏财): you sense chances in what flows by, know many people and are generous.",
    "正财": "The month carries Earned Wealth (正财): you are diligent and plan your money and time clearly.",
    "七杀": "The month carries the Challenger (七杀): you have courage; challenge brings out what is in you.",
    "正官": "The month carries Authority (正官): you value a good name and rise steadily where rules are clear.",
    "偏印": "The month carries Insight (偏印): you think unlike others and suit rare, specialised fields.",
    "正印": "The month carries Support (正印): kind and fond of learning, you are helped by elders; a name comes before money.",
}
GOD_HOME: Final = {
    "比肩": "The house of marriage holds the Companion: you want to walk side by side, like friends. Mind the moments when "
    "nobody wants to give way first.",
    "劫财": "The house of marriage holds the Rival: passionate and a little possessive. Keep the household's money clear.",
    "食神": "The house of marriage holds Enjoyment: gentle and good-humoured; eating and travelling together keeps it fresh.",
    "伤官": "The house of marriage holds Expression: you ask a lot and speak quickly. Turn criticism into requests.",
    "偏财": "The house of marriage holds Windfall: you know how to surprise; keep enough attention for home.",
    "正财": "The house of marriage holds Earned Wealth: a practical partner suits you, and time makes it steadier.",
    "七杀": "The house of marriage holds the Challenger: strong characters attract you; leave each other room to decide.",
    "正官": "The house of marriage holds Authority: both of you take promises seriously; add play and laughter.",
    "偏印": "The house of marriage holds Insight: your partner should understand your silence, but saying it is safer.",
    "正印": "The house of marriage holds Support: warm like family; do not let relatives outvote the two of you.",
}
SPOUSE: Final = {
    "shown": "The partner's star ({star}) shows among the stems: encounters are plain to see; take time to know the character.",
    "hidden": "The partner's star ({star}) is hidden in the branches: affection grows slowly, in daily life and through "
    "friends, and that suits you better than fireworks.",
    "none": "The partner's star ({star}) is not visible in the chart. That does not mean there is nobody; your weight lies "
    "elsewhere, and years that bring the star bring people closer. Go where you meet some.",
}
