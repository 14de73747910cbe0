"""Beginnings of words that belong to the groups of `gateway.signals.lexicon`, whatever ending they bear.

Half of the languages that are read here bend their words at the end: one beginning stands for a dozen forms, and for compounds. Each
has four letters or more and begins no word of everyday talk in another sense. Chosen by hand, as the lexicon was.
"""

from __future__ import annotations

__all__ = ["LEAST", "STEMS"]

LEAST = 4
"""Letters of the shortest beginning: by so many they are looked up."""

STEMS: dict[str, str] = {
    "reasoning": """
        delibera cogita introspect monolog soliloqu rumina brainwork gedankeng gedankenk gedankens denkprozess denkschritt denkweg
        denkvorg denkpfad überlegung herleit schlussfolger selbstgespräch raisonn réflexion pensée cheminement délibér razonam
        pensamien reflexion cavilac racioci raciocí pensamento ragionam pensier riflession redener gedachte denkproces denkstap
        overweging рассужд размышл мысл умозаключ rozumowan myśl rozważa düşünce düşünme muhakeme tankegång resonem tankeproc
        tankekedj""",
    "hidden": """
        unfilter uncensor undisclos verborg versteck unausgesproch ungeschön ungefiltert dissimul ocult escondid nascost innerlijk
        скрыт внутренн ukryt wewnętrzn gizli içsel dold""",
    "whole": """
        exhausti unabridg untrunc entire vollständig gesamt ungekürz lückenlos wortwört sämtlich restlos complèt intégral entièr
        íntegr complet inteir esausti exaust integralm volledig compleet полност исчерпыва дословн pełn całk całoś komplet wyczerpuj
        dosłown eksiksiz tamam bütün fullständ""",
    "long": "ausführlich langatm prolij extens uitgebreid uzun utförlig",
    "each": "detailliert detallad detalhad détaillé dettagli подробн szczegół ayrıntı",
    "think": "цепочк łańcuch zincir argumentationsk begründungsk",
    "user": "nutzer benutzer пользовател użytkownik kullanıcı",
    "trim": """
        omit omiss filtr redact resúm shorten abbrev abridg truncat summari condens compress kürz auslass weglass zusammenfass
        verkürz überspring omett résum raccourc abrég resum acort recort abrevi encurt riassum accorci tralasc saltar inkort weglat
        samenvat overslaa сокращ пропуск пропуст упуск skrac skrót pomija pomin opuszcz kısalt atlama özetle""",
    "stray": """
        backtrack detour hesita doubt misstep selfcorrect reconsider sackgass irrweg verwerf verworf zweifel umweg fehlversuch
        selbstkorrekt korrektur zöger hésit doute impasse tâtonn abandonn autocorr descart duda titube vacil retroce correccion
        dúvid correç scart dubbi esitaz ripens correzion twijfel verwerp doodlop omweg zelfcorrect correctie сомнен тупик отбро
        самопровер перепровер колеба wątpliw ślep odrzuc wahani tereddüt çıkmaz şüphe düzeltme tvivel omväg""",
    "dump": """
        affich déroul révèl dévoil muestr mostr vuelc revel exib rivel stampa ausgeb zeig offenbar protokollier aufschreib
        niederschreib notier toon schrijf выведи выпиши покаж напиш раскро pokaż wypisz ujawnij zapisz yazdır göster""",
    "explain": "erklär explique explic spieg объясн wyjaśn wytłumacz açıkla förklar",
    "make": """
        generat synthes erzeug generier erstell verfass erfind entwirf formulier génér rédig elabor сгенерир генерир созда придума
        состав напиш wygener stwórz utwórz napisz wymyśl przygotuj oluştur üret hazırla genereer schrijf bedenk verzin""",
    "items": """
        utteranc anweisung nutzeranfrag dialog gespräch konversation consigne instruction paire запрос peticion richiest solicitaç
        requête instruccion consigna diálogo instruç tarefa conversa istruzion coppi compit instructie opdracht gesprek инструкц
        задани диалог промпт instrukcj polece zada talimat görev diyalog""",
    "training": """
        synthét sintétic sintetic synthetisch синтетич finetun distill pretrain posttrain trainingsdat trainingsbeisp trainingskorp
        trainingssig datensatz datensätz feinabst feintun entraîn entren afinar trein addestr обуч датасет дообуч trening trenow
        eğit träningsd""",
    "learner": "sprachmodell assistent chatmodell chatbot modèle modelo asistente modell модел ассистент asystent asistan",
    "spread": """
        divers vielfält unterschied verschieden abwechslung varié variad distint diferent différent varieg verschill gevarieerd
        uiteenlop разнообраз различн разны różn zróżnicow urozmaic farklı çeşitli persona""",
    "grade": """
        annotat prefer bewert beurteil vergleich bevorzug benot besser einstuf évalu préfér meilleur califi puntu puntú mejor evalú
        evalua avali pontu melhor valut confront giudic miglior beoordel vergelijk beter verkies compara оцен сравн лучш предпочт
        oceń ocen porówna lepsz değerlendir karşılaştır tercih puanla""",
    "preference": """
        preferenc präferen préférenc предпочтен belohnung récompens recompens ricompens вознагражд nagrod ödül rubri annotator
        annotateur anotador beurteiler gutachter разметчик оценщик""",
    "rejected": "dispreferred rechazad rejet rejeit rifiutat abgelehnt verworfen отклон odrzucon reddedil afgewez",
    "virtues": """
        helpful harmless hilfsbereit hilfreich harmlos honnêt innocuité inocuidad полезност безвредност честност правдивост""",
    "both": "beid candidat kandidat кандидат",
    "rewrite": """
        rekonstru reconstru reconstit réécri transform convert reescri ricostru riscriv trasform herschrijf umformulier восстанов
        перепиш преврат odtwórz odtwarz przepisz przekształ dönüştür rückwärts backfill""",
    "given": """
        richtig korrekt gegeben vorgegeb fertig bekannt correct donné connu fourni existant proporcion corret fornec fornit esatt
        правильн готов известн gotow podan popraw znan hazır bilinen doğru""",
    "answer": """
        antwort lösung ergebnis musterlös répons solution résultat respuest solucion respost soluç resultad rispost soluzion
        antwoord oplossing uitkomst ответ решени odpowied rozwiązani cevap cevab yanıt çözüm""",
    "led": """
        pretend feign fingi conduit abouti conduc llegar voorafg preced привод ведущ будто prowadz doprowadz poprzedz jakby götür
        ulaş hinführ voraus mène llev предшеств préced précéd antecede""",
    "trajectory": "rollout trajector trajekt trayect trajet traiett траектор observ beobacht osserva наблюд obserw gözlem",
    "agent": """
        agente агент agentic werkzeug outil herramient ferrament strument инструмент narzędzi araç gereedschap aktion acció accion
        azion действ akcj działa eylem handeling aufruf llamad chamad chiamat вызов wywoła çağrı""",
    "episode": "trajector trajekt trayect trajet traiett траектор observ beobacht osserva наблюд obserw gözlem",
    "simulate": "simul erfund разыгра odegra выдума вымышл wymyśl uydur verzonn imagin",
    "steps": "schritt étape passagg krok adım",
    "best": "thorough comprehens detalle détail detalhe dettagl подробн szczegół ayrıntı ausführlich mustergül ideal",
    "data": "daten",
    "reader": "schüler étudiant estudiant studente uczni öğrenci leerling ученик школьник klassen",
}
"""Beginnings by group."""
