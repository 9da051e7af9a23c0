"""Places, rivers and firms that everybody knows by name: names wherever they stand, with an article or without."""

#: German name, then its English one where that differs.
_TABLE = """
Afghanistan; Ägypten Egypt; Albanien Albania; Algerien Algeria; Argentinien Argentina; Äthiopien Ethiopia;
Australien Australia; Bangladesch Bangladesh; Belgien Belgium; Bolivien Bolivia; Bosnien Bosnia; Brasilien Brazil;
Bulgarien Bulgaria; Chile; China; Dänemark Denmark; Deutschland Germany; Ecuador; England; Eritrea; Estland Estonia;
Europa Europe; Finnland Finland; Frankreich France; Georgien Georgia; Ghana; Griechenland Greece;
Großbritannien Britain; Grönland Greenland; Indien India; Indonesien Indonesia; Irak Iraq; Iran; Irland Ireland;
Island Iceland; Israel; Italien Italy; Jamaika Jamaica; Japan; Jordanien Jordan; Kamerun Cameroon; Kanada Canada;
Kasachstan Kazakhstan; Katar Qatar; Kenia Kenya; Kolumbien Colombia; Kongo Congo; Korea; Kosovo; Kroatien Croatia;
Kuba Cuba; Lettland Latvia; Libanon Lebanon; Libyen Libya; Liechtenstein; Litauen Lithuania; Luxemburg Luxembourg;
Malaysia; Mali; Malta; Marokko Morocco; Mexiko Mexico; Moldau Moldova; Mongolei Mongolia; Montenegro;
Mosambik Mozambique; Namibia; Nepal; Neuseeland Zealand; Niederlande Netherlands; Nigeria; Niger;
Norwegen Norway; Österreich Austria; Pakistan; Palästina Palestine; Peru; Philippinen Philippines; Polen Poland;
Portugal; Ruanda Rwanda; Rumänien Romania; Russland Russia; Sambia Zambia; Schottland Scotland; Schweden Sweden;
Schweiz Switzerland; Senegal; Serbien Serbia; Simbabwe Zimbabwe; Singapur Singapore; Slowakei Slovakia;
Slowenien Slovenia; Somalia; Spanien Spain; Sudan; Südafrika; Südkorea; Syrien Syria; Taiwan; Tansania Tanzania;
Thailand; Tschechien Czechia; Tunesien Tunisia; Türkei Turkey; Uganda; Ukraine; Ungarn Hungary; Uruguay; Venezuela;
Vietnam; Wales; Zypern Cyprus; Afrika Africa; Amerika America; Asien Asia; USA;
Angola; Armenien Armenia; Aserbaidschan Azerbaijan; Bahrain; Belarus; Benin; Botswana; Gambia; Guatemala; Haiti;
Honduras; Jemen Yemen; Kambodscha Cambodia; Kirgisistan Kyrgyzstan; Kuwait; Laos; Madagaskar Madagascar; Malawi;
Malediven Maldives; Mauritius; Monaco; Myanmar; Nicaragua; Oman; Panama; Paraguay; Seychellen Seychelles; Togo;
Tschad Chad; Usbekistan Uzbekistan;
Bayern Bavaria; Berlin; Brandenburg; Bremen; Hamburg; Hessen Hesse; Niedersachsen; Sachsen Saxony; Saarland;
Thüringen Thuringia; Baden; Württemberg; Westfalen; Holstein; Vorpommern; Mecklenburg; Pfalz; Franken; Schwaben; Tirol;
Aachen; Augsburg; Bielefeld; Bochum; Bonn; Braunschweig; Chemnitz; Cottbus; Darmstadt; Dortmund; Dresden; Duisburg;
Düsseldorf; Erfurt; Essen; Flensburg; Frankfurt; Freiburg; Gelsenkirchen; Göttingen; Halle; Hannover Hanover;
Heidelberg; Ingolstadt; Jena; Kaiserslautern; Karlsruhe; Kassel; Kiel; Koblenz; Köln Cologne; Krefeld; Leipzig;
Leverkusen; Lübeck; Magdeburg; Mainz; Mannheim; München Munich; Münster; Nürnberg Nuremberg; Oldenburg; Osnabrück;
Paderborn; Passau; Potsdam; Regensburg; Rostock; Saarbrücken; Schwerin; Siegen; Stuttgart; Trier; Ulm; Weimar;
Wiesbaden; Wolfsburg; Wuppertal; Würzburg; Graz; Linz; Salzburg; Innsbruck; Wien Vienna; Basel; Bern; Genf Geneva;
Zürich Zurich;
Bamberg; Bayreuth; Bremerhaven; Emden; Fulda; Gießen; Görlitz; Greifswald; Heilbronn; Hildesheim; Klagenfurt;
Konstanz; Lausanne; Ludwigshafen; Lüneburg; Luzern Lucerne; Marburg; Oberhausen; Offenbach; Pforzheim; Plauen;
Recklinghausen; Reutlingen; Rosenheim; Solingen; Stralsund; Tübingen; Wilhelmshaven; Winterthur; Wismar; Zwickau;
Accra; Algier Algiers; Bagdad Baghdad; Bangkok; Beirut; Bogotá; Busan; Casablanca; Dakar; Dubai; Hanoi; Jakarta; Kabul;
Lima; Manila; Nairobi; Osaka; Riad Riyadh; Santiago; Seoul; Teheran Tehran; Tunis;
Amsterdam; Antwerpen Antwerp; Athen Athens; Barcelona; Belgrad Belgrade; Boston; Bristol;
Brüssel Brussels; Budapest; Bukarest Bucharest; Chicago; Delhi; Dublin; Edinburgh; Glasgow; Helsinki; Istanbul;
Kairo Cairo; Kiew Kyiv; Kopenhagen Copenhagen; Lagos; Leeds; Lissabon Lisbon; Liverpool; London; Lyon; Madrid;
Mailand Milan; Manchester; Marseille; Moskau Moscow; Mumbai; Neapel Naples; Oslo; Paris; Peking Beijing; Prag Prague;
Rom Rome; Rotterdam; Shanghai; Sofia; Stockholm; Straßburg Strasbourg; Sydney; Tokio Tokyo; Toronto; Utrecht;
Vancouver; Vilnius; Warschau Warsaw; Washington;
Amrum; Borkum; Föhr; Helgoland; Rügen; Spreewald; Sylt; Usedom;
Allgäu; Alpen Alps; Balkan; Bodensee; Donau Danube; Eifel; Elbe; Emsland; Erzgebirge; Harz; Havel; Hunsrück; Isar;
Lausitz; Main; Mosel; Münsterland; Neckar; Nordsee; Oder; Odenwald; Ostsee Baltic; Rhein Rhine; Rheinland Rhineland;
Rhön; Ruhrgebiet; Sauerland; Schwarzwald; Seine; Siegerland; Spessart; Spree; Taunus; Themse Thames; Uckermark;
Vogtland; Weser; Westerwald; Wolga Volga;
Amazon; Apple; Bosch; Daimler; Facebook; Google; Greenpeace; Huawei; Ikea; Instagram; Intel; Lufthansa; Mercedes;
Microsoft; Netflix; Nvidia; Samsung; Siemens; Spotify; Telekom; Tesla; Toyota; Twitter; Volkswagen; Wikipedia
"""
_ENGLISH = {
    german.lower(): (english or german).lower()
    for german, _, english in (entry.strip().partition(" ") for entry in _TABLE.split(";"))
}
#: Words of every day besides.
_ALSO_WORDS = frozenset({"essen", "halle", "siegen", "baden", "franken", "main", "oder", "seine"})


def is_proper(word: str) -> bool:
    """Whether a word is one of these names and hardly anything else; a genitive s aside.

    Examples:
        >>> is_proper("Schwedens"), is_proper("Wien"), is_proper("Essen")
        (True, True, False)
    """
    low = word.lower()
    return any(one in _ENGLISH and one not in _ALSO_WORDS for one in (low, low.removesuffix("s")))


def english_name(word: str) -> str:
    """The English form of a German name in small letters; other words as they are.

    Examples:
        >>> english_name("Norwegens"), english_name("Kreis")
        ('norway', 'kreis')
    """
    low = word.lower()
    return _ENGLISH.get(low) or _ENGLISH.get(low.removesuffix("s")) or low
