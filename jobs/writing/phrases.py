"""Turns of phrase, German and English, by which one hears what a spoken sentence is for.

Closed lists of how people talk on stages, never of what they talk about. Case doesn't matter unless said.
"""

import re


def any_of(*phrases: str, first: bool = False) -> re.Pattern[str]:
    """A pattern for any of these regular expressions as whole words; `first`: only at the very beginning."""
    return re.compile(("^" if first else r"\b") + r"(?:" + "|".join(phrases) + r")(?!\w)", re.IGNORECASE)


_ORDINAL = r"(?:erste|zweite|dritte|vierte|fünfte|sechste|nächste|letzte|abschließende|weitere|andere|neue)[rsnm]?"

#: "Gut, dann", "So,": what people say before they say something.
_FILLER = r"(?:(?:so|gut|okay|ok|also|und|dann|jetzt|nun|schön|super|ja|prima|alles klar|well|all right)[,.]? )*"

#: What opens a topic wherever a clause starts: "Vielen Dank, kommen wir zum Geld, wer bezahlt das?".
_HANDS_OVER = (
    r"(?:damit |jetzt |nun )?(?:kommen? wir|komme ich) (?:\w+ ){0,4}?"
    r"(?:zum|zur|auf|zu(?! (?:dem|einem|der) (?:schluss|ergebnis|urteil|erkenntnis)))",
    r"damit (?:nun |jetzt |also |auch |gleich )?(?:zum|zur|zu (?:den|dem|der|einem|einer|unse\w+|ihre\w*))",
    r"(?:reden|sprechen) wir (?:[^,]* )?(?:über|von)",
    r"lass(?:en sie|t|) uns (?:[^,]* )?(?:über|zum|zur|zu)",
    r"(?:nächstes|letztes|neues|anderes|zweites|drittes) (?:thema|stichwort)|themenwechsel",
    r"let'?s (?:talk|turn|move)|moving on|turning to|(?:that|which) brings (?:me|us) to",
)

#: A sentence that opens a topic: "Kommen wir zu …", "Meine nächste Frage …".
OPENS_TOPIC = any_of(
    *(
        _FILLER + phrase
        for phrase in (
            *_HANDS_OVER,
            r"damit (?:sind|wären) wir",
            r"(?:jetzt|nun|weiter|zurück|als nächstes|als letztes) (?:noch )?zu[mr]",
            r"lass(?:en sie|t|) uns",
            r"(?:schauen|blicken|wechseln|gehen|springen|machen|starten|beginnen) wir",
            r"(?:ich (?:möchte|will|würde)|(?:möchte|will|würde) ich) (?:.* )?(?:über|zu|zum|zur|auf|ihnen|euch)",
            r"(?:erlauben|gestatten) sie mir",
            r"(?:mein|meine|der|die|das|ein|eine|unser|unsere|noch eine?) (?:\w+ )?"
            + _ORDINAL
            + r" (?:punkt|teil|thema|block|kapitel|abschnitt|frage)",
            r"(?:nächste|letzte|andere)[rs]? (?:punkt|thema|frage|block)",
            r"(?:ein|das) thema",
            r"zum (?:schluss|abschluss|ende)|abschließend|szenenwechsel|zurück zu",
            r"was (?:kommt als nächstes|bleibt)|wie geht es .*\bweiter",
            r"let'?s (?:go|look|start)|let (?:me|us) (?:turn|move|talk|start|begin)",
            r"(?:my|the|our|another) (?:(?:first|second|third|next|last|final) )?(?:question|point|topic|part|chapter)",
            r"now (?:i want|i'?d like|let)|finally|in conclusion|to (?:conclude|wrap up|sum up)",
        )
    ),
    first=True,
)

#: The same at the start of a later clause; group "clause" is where it starts.
_OPENS_LATER = re.compile(r"[,:;–] (?P<clause>" + _FILLER + r"(?:" + "|".join(_HANDS_OVER) + r")(?!\w))", re.IGNORECASE)

#: A first word that only joins a thought to the one before: without it the same is said. Not "doch", which may also
#: move the verb.
JOINS = any_of("aber|denn|und|but|and", first=True)
#: After these "dieses" points at the day and the place of the recording.
_NOW = r"(?! (?-i:Jahr|Woche|Monat|Tage|Bühne|Stadt|Land))"
#: A first word that only makes sense after another sentence.
LEANS = any_of(
    "aber|denn|doch|sondern|deshalb|deswegen|daher|darum|dadurch|dabei|damit|dann|danach|dazu|dort|da|dies",
    # Before a noun "das" is an article.
    "das(?! (?-i:[A-ZÄÖÜ]))",
    f"diese[rsmn]?{_NOW}|er|sie|es|ihn|ihm|solche[rsn]?|trotzdem|außerdem|allerdings|jedoch|auch|beide|oder|und|weil",
    "seitdem|ja|nein|genau|stimmt|na ja|tja|ach|oh|okay|ok|klar|also",
    "but|because|this|that|these|those|it|they|he|she|which|also|yes|no|exactly|or|and|so|well|yeah|at least",
    first=True,
)
#: What a main clause before it can do without: an addition, a reason, or a new sentence after a comma.
LEAVES_OFF = any_of(
    "und|denn|weil|and|because|it|we|i|they|he|she",
    "(?:wir|ich|es) (?:ist|sind|bin|war|waren|hat|habe|haben|kann|können|muss|müssen|will|wollen|geht|gibt|wird)",
    first=True,
)
#: A clause that can't do without another.
SUBORDINATES = any_of(
    "wenn|weil|als|ob|dass|obwohl|während|nachdem|bevor|damit|sobald|solange|falls|indem|da|wer|was|wo|wie|je|bis",
    "if|when|because|as|while|although|since|after|before|who|what|where|how|whether",
    first=True,
)
#: Behind a comma, these belong to the noun before it, go on with a list, or begin what a main clause needs.
CARRIES_ON = any_of(
    "der|die|das|den|dem|deren|dessen|denen|welche\\w?|wo|wer|was|wie|wenn|weil|dass|ob|als|um|zu|und|oder|aber|sondern",
    "also|etwa|vor|allem|auch|sogar|besonders|nämlich|who|which|that|whose|where|when|if|because|as|and|or|but|not",
    first=True,
)
#: What answers without saying anything.
AGREES = any_of(
    "(?:ja|nein|doch|genau|richtig|absolut|klar|sicher|natürlich|eben|okay|yes|no|exactly|absolutely|sure)[,.! ]*$",
    "(?:ja, |nein, )?das (?:stimmt|ist (?:richtig|wahr|so|(?:eine )?(?:sehr )?gute frage))|auf jeden fall|keine ahnung",
    "da (?:muss|möchte|kann|würde) ich|that'?s (?:right|true|a (?:good|great) question)|i don'?t know|thank",
    first=True,
)
#: A question begins with it.
ASKS = any_of(
    "wer|wen|wem|wessen|was|wie|wo|wann|warum|wieso|weshalb|woher|wohin|welche\\w?|wo(?:r?an|r?auf|bei|durch|für|gegen|mit"
    "|nach|r?über|r?um|von|vor|zu)|who|what|how|where|when|why|which",
    first=True,
)
#: What somebody says, thinks or knows follows behind a comma.
SAYS_THAT = any_of(
    "(?:sag|glaub|find|fand|mein|denk|dach|heiß|weiß|wiss|hoff|fürcht|erzähl|erklär|bericht|behaupt|vermut)\\w*",
    "(?:say|said|think|thought|believe|know|knew|hope)\\w*",
)
#: Most of whom?
ELLIPTIC = any_of(
    "(?:die|der|den) (?:meisten|anderen|einen|beiden|wenigsten|restlichen)(?! (?-i:[A-ZÄÖÜ]))", first=True
)
#: Looks leaning and isn't: "Es gibt …", and "Weil X, Y", which brings its reason along.
STANDS_ANYWAY = any_of(
    "es (?:gibt|geht um|wird|fehlt|braucht|bleibt)|es ist (?:\\w+ )?(?:wichtig|schwer|leicht|klar)",
    "(?:weil|auch wenn|because) .+, .+",
    first=True,
)

#: Greetings, thanks and housekeeping.
CHATTER = any_of(
    # Nobody greets with "an einem guten Tag".
    "(?<!einem )(?<!einen )(?<!jedem )guten (?:morgen|tag|abend)|hallo|grüß gott",
    "(?:hi|hey|moin|servus) (?:leute|zusammen|everybody|everyone)",
    "willkommen|(?:schreibt|folgt) uns|(?:vielen|herzlichen|besten) dank|danke|bedanke",
    "tschüss?|auf wieder(?:sehen|hören)|bis (?:zum nächsten mal|bald|nächste\\w*)|viel (?:spaß|freude|vergnügen)",
    "applaus|schön, dass (?:sie|ihr|du|so)|freue? (?:ich )?mich (?:auf|dass|sehr)",
    # Not who has a subscription, but who is asked to take one.
    "abonnier\\w* (?:\\w+ ){0,3}?(?:kanal|podcast|newsletter|folge\\w*|sendung)|(?:jetzt|gerne?|bitte|und) abonnieren",
    "mikro(?:fon)? (?:ist|an)|hört man mich|in dieser (?:folge|episode|sendung)",
    "(?:in|mit) der nächsten (?:folge|episode|sendung|ausgabe)|(?:in|on) (?:our|the) next (?:episode|show)",
    "schöne[nrs]? (?:abend|tag|gruß|grüße|woche|schlusssatz)|ihre aufmerksamkeit",
    "(?<!a )good (?:morning|evening|afternoon)|hello|welcome|thank you|thanks|(?:good)?bye|see you|applause",
    "(?:please|and|to) subscribe|subscribe to (?:\\w+ ){0,2}?(?:channel|podcast|newsletter|show)",
    "my pleasure|nice to meet",
)
#: Remarks on the talk itself, which tell a reader nothing.
META = any_of(
    "wie (?:gesagt|ich (?:schon|eben|vorhin))|ich (?:beginne|komme) (?:mit|zu\\w?|auf)",
    "(?:erinnern|stellen) sie sich",
    "eine?n? (?:kleinen?|kurzen?) (?:geschichte|frage|beispiel)|kurz widersprechen|muss ich (?:kurz|gleich|jetzt)",
    "gute frage|wichtiger punkt|genauso|entschuldigung|das stimmt (?:so |aber |ja )*(?:nicht|schon)",
    "(?:das|dieses|unser) (?:gespräch|interview) (?:haben|wurde|führ\\w+|ist auf)",
    "as i said|(?:great|good) question|important point|let me tell",
)
#: Words that hang on something said before, unless a clause follows that says what ("daran, dass …").
POINTS_BACK = any_of(
    f"diese[rsmn]?{_NOW}|dies|jene[rsmn]?|solche[rsmn]?",
    "damals|dort|darauf|darüber|davor|davon|darin|daran|dafür",
    "dagegen|dabei|dadurch|daneben|danach|(?<!, )damit|dazu|hierzu|hierfür",
    "ähnliche[rsmn]?|übrigens|nämlich|jedenfalls|ebenfalls",
    "this|these|those|such",
)
#: "es" as an object stands for something said before.
IT_AS_OBJECT = any_of(
    "(?:habe|haben|hat|hatten?|will|weiß|sehe|mache|machen|finde) (?:ich |wir |man )?es",
    "(?:halte|halten|hält|finde|finden|findet|nenne|nennen|nennt|glaube|sehe|sehen) (?:ich |wir |man )?"
    "(?:das|es)(?! (?-i:[A-ZÄÖÜ]))",
)
#: Words that only fill, and beginnings that somebody drops: "da hab ich das, da hab ich mir".
STAMMERS = re.compile(r"\b(?:ähm?|öhm?|uhm?|ne|nee|hm+)\b|\b(\w+(?: \w+)?), (?:äh,? )?\1\b", re.IGNORECASE)
#: Nobody says so: "Wer" was heard as "Wir".
MISHEARD = re.compile(r"^Wir [^,]*\b(?:ist|hat|wird|kann|muss|will|soll|darf)\b")
#: The clause that tells what such a word stands for.
SAYS_WHAT = any_of(", (?:dass|ob|wie|was|warum)", ",? zu \\w+en")
#: Within a sentence these hang on the one before, but only a little.
CONNECTS = any_of(
    "(?:der|die|das)selbe\\w*|trotzdem|deshalb|deswegen|daher|außerdem|allerdings|dennoch",
    "jedoch|hingegen|therefore|however|though",
)
#: One item of a list that the reader doesn't see.
ITEM = any_of(
    "(?:der|die|das|the|mein|meine|unser|unsere) (?:erste|zweite|dritte|vierte|fünfte|first|second|third)",
    "(?:erst|zweit|dritt|viert)ens|first(?:ly)?|second(?:ly)?|third(?:ly)?",
    first=True,
)
#: Told of the past, as something that happened once.
ONCE = any_of(
    "war|waren|hatten?|wurden?|saß|stand|ging|kam|rief|fragte|sagte|damals|gerade erst",
    "vor \\w+ \\w*(?:jahren|monaten|wochen|tagen|zeit)|(?:letzte|vergangene)\\w* \\w+",
    "(?:i|he|she|it|there|that) was|were|had|went|came|said|asked|\\w+ (?:years|months|weeks|days) ago",
)
#: Ways of taking a stance: each that occurs counts once.
STANCES = (
    any_of(
        "(?:ich|wir) (?:\\w+ )?(?:glaub|find|halt|mein|denk|fürcht|hoff|weiger|misstrau|warn|forder|wünsch|lehn)\\w*",
        "(?:glaube|finde|halte|denke|fürchte|hoffe|bin) ich|überzeugt",
        "i (?:\\w+ )?(?:think|believe|love|hate|fear|hope|doubt)",
    ),
    any_of("muss|müssen|müsste\\w*|darf|dürfen|soll|sollen|sollte\\w*|must|should|have to|never"),
    any_of("wer .+,", "if you (?:want|don't)", first=True),
    any_of(
        "nie|niemals|niemand\\w*|nichts|immer|alle[sn]?|kein\\w*",
        # "Every month" counts, it doesn't judge.
        "jede[rsnm]?(?! (?:monat|tag|woche|jahr|stunde|minute|abend|morgen|nacht|sommer|winter))",
        "nobody|nothing|always|every\\w*|impossible",
    ),
    any_of(
        "sondern|gegenteil|statt|obwohl|trotz\\w*|weder|entweder|je \\w+, desto|ohne|\\w+, aber",
        "not an?|instead|although|without|\\w+, but",
    ),
    any_of(
        "wichtig\\w*|entscheidend\\w*|fehler|problem\\w*|gefährlich\\w*|falsch\\w*|besser\\w*|schlechter\\w*|schlimm\\w*",
        "wertvoll\\w*|(?:unter|über)schätzt\\w*|vertrauen|wahrheit|am \\w+sten",
        "honest|wrong|mistake|important|dangerous",
    ),
    # Too much or too little is a judgement.
    any_of(
        "zu (?:lange?|oft|viel\\w*|wenig\\w*|spät|früh|selten|schnell|langsam|teuer|groß|klein|leicht|schwer)",
        "too \\w+",
    ),
    any_of("(?:ist|sind|bleibt) wie|(?:is|are) like|ist (?:das|die|der|eine?|kein\\w*) \\w+"),
    any_of("(?:größ|bes|wichtig|häufig)ste\\w*|beste\\w*|biggest|best|worst"),
)
#: The talk's subject is about to be named: "Ich spreche heute über …".
SPEAKS_ABOUT = any_of(
    "(?:ich|wir|uns) (?:.* )?(?:sprech|red|unterhalt|diskutier)\\w*|(?:sprech|red|unterhalt|diskutier)\\w* (?:ich|wir)",
    "geht es um|es geht (?:.* )?um|(?:frage|gespräch|vortrag|podcast|sendung|folge|episode) über",
    "(?:i|we|let's) (?:.* )?(?:talk|speak|discuss)\\w*",
)
#: Who is here, as a host says it. No "Herrn": that is what is heard where somebody is talked about.
PRESENTS = any_of(
    "(?:bei|mit|neben) (?:mir|uns) (?:\\w+ ){0,6}?(?:ist|sind|sitz\\w*|steh\\w*|diskutier\\w*|sprech\\w*)",
    "(?:ist|sind|sitz\\w*) (?:\\w+ ){0,4}?(?:bei|neben) (?:mir|uns)|zu gast|mein gast|mein\\w* gäste\\w*",
    "(?:begrüße|eingeladen|vorstellen)|(?:spreche|rede|diskutiere|unterhalte) (?:\\w+ ){0,4}?mit",
    "(?:sprechen|reden|diskutieren) (?:wir )?(?:\\w+ ){0,3}?mit|auf (?:der|die) bühne",
    "(?:my|our) guests?|joining (?:me|us)|joined by|with (?:me|us) (?:today|tonight|is|are)|(?:talk|speak)\\w* with",
)
#: Who is here, or what it is about, as said at the beginning.
INTRODUCES = any_of(
    "(?:ich|wir) (?:\\w+ )*?(?:sprech|red|unterhalt|diskutier)\\w*|es geht (?:\\w+ )*um|thema|frage lautet|zu gast",
    "mein gast|meine gäste|begrüße|eingeladen",
    "(?:talk|speak)\\w* (?:about|with)|my guest|we discuss",
)
#: The speaker in person: a headline has nobody yet whose "we" it could be.
FIRST_PERSON = any_of("ich|mir|mich|wir|uns|unser\\w*|mein\\w*|i|i'?m|me|my|we|we'?re|(?-i:us)|our")
#: Words of address; case matters, "sie" is somebody else.
ADDRESSES = re.compile(r"\b(?:Sie|Ihnen|Ihr\w*|du|dir|dich|dein\w*|euch|you|your)\b")

#: Nouns about the talk itself, or about anything.
EMPTY = frozenset(
    word
    for words in (
        "ende schluss abschluss thema themen punkt punkte frage fragen antwort wort worte teil beginn anfang gespräch",
        "minuten stunde stunden sache sachen ding dinge stelle stellen beispiel mal jahr jahre jahren tag tage woche",
        "wochen art frau frauen herr herrn herren dame damen gast gäste gästen guest guests bühne stage",
        "schlusswort schlusssatz stichwort dank danke applaus gruß grüße abend morgen thanks evening morning",
        "end point question questions answer thing things way lot bit kind time times year years day days",
    )
    for word in words.split()
)


def opens_topic(text: str) -> bool:
    """Whether a sentence says that something new comes now."""
    return topic_opening(text) is not None


def topic_opening(text: str) -> int | None:
    """Where the clause starts that says so, in characters; None if there is none.

    Examples:
        >>> topic_opening("Gut, kommen wir zum Geld."), topic_opening("Danke, sprechen wir über Geld, Frau Ott?")
        (0, 7)
    """
    if OPENS_TOPIC.match(text):
        return 0
    later = _OPENS_LATER.search(text)
    return None if later is None else later.start("clause")


def leans(text: str) -> bool:
    """Whether a sentence starts with a word that only makes sense after another sentence."""
    return LEANS.match(text) is not None


def is_chatter(text: str) -> bool:
    """Whether a sentence greets, thanks or keeps house."""
    return CHATTER.search(text) is not None
