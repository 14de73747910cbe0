"""Words by which a harvest of answers is asked for, in groups, over several languages: the table behind `gateway.signals.cues`.

Each group is a set of plain word forms, no phrases: a phrase is one wording, groups that meet within a few sentences are many. The
words were chosen by hand; no weight or word comes out of a fit. Forms that only their endings tell apart are in
`gateway.signals.stems`, scripts without spaces in `gateway.signals.characters`.
"""

from __future__ import annotations

__all__ = ["GROUPS"]

GROUPS: dict[str, str] = {
    # How the model got there.
    "reasoning": """
        brouillon zwischengedanken zwischengedanke thinkings cogitations brainstream reasoning reasonings rationale rationales
        deliberation deliberations deliberate cogitation scratchpad scratchwork derivation derivations thought thoughts thinking
        ponderings musings monologue cot workings inferences inference cognition cognitive introspection soliloquy gedankengang
        gedankengänge gedankengangs gedankengängen denkprozess denkprozesse denkprozesses gedankenkette gedankenketten überlegung
        überlegungen denkschritte denkweg denkwege herleitung begründungskette gedanken gedanke monolog selbstgespräch raisonnement
        raisonnements réflexion réflexions réfléchis pensée pensées cheminement razonamiento razonamientos pensamiento pensamientos
        deliberación raciocinio monólogo raciocínio raciocínios pensamento pensamentos deliberação ragionamento ragionamenti
        pensiero pensieri monologo redenering redeneringen gedachtegang gedachten gedachte denkproces redeneerstappen monoloog
        рассуждение рассуждения рассуждений размышления размышлений мысли мыслей мысль монолог rozumowanie rozumowania myślenia
        myśli düşünce düşünceler düşüncelerini muhakeme monoloğu monoloğunu tankegång tankegångar tankar resonemang ajattelu
        ajatukset berpikirmu berpikir penalaran""",
    "think": """
        chain cadena chaîne kette catena cadeia cot consider analysis analyse think reason denke denk réfléchis pense piensa razona
        ragiona pensa рассуждай размышляй думай rozumuj resonera""",
    # What passes through somebody's mind.
    "mind": """
        voz brain voice dialogue notes mental hunch hunches gut mind head aloud loud consciousness narrate narrating verbalise
        verbalize externalise externalize kopf sinn laut esprit tête voix cabeza mente testa hoofd hardop голове уме вслух głowie
        głos sesli aklından zihninden huvudet""",
    # What is not meant for a reader.
    "hidden": """
        channel subconscious hidden internal inner internally private privately unspoken unshown concealed unfiltered unedited
        uncensored unpolished withheld raw normally silently messy untidied uncleaned innermost unsanitised unsanitized verborgen
        verborgene verborgenen verborgener versteckte versteckten interne internen internes interner innere inneren innerer inneres
        ungefiltert ungefilterte ungefilterten rohen rohe unzensiert caché cachée cachés cachées intérieur intérieure intérieures
        brut brute bruts brutes intime oculto oculta ocultos ocultas interno interna internos internas interior íntimo crudo cruda
        escondido escondidos bruto nascosto nascosta nascosti nascoste interiore interiori interni grezzo innerlijke innerlijk ruwe
        скрытые скрытых скрытое внутренние внутренних внутреннее внутренний внутреннюю сырые ukryte ukryty wewnętrzne wewnętrzny
        gizli iç inre dolda batin""",
    # Nothing left out.
    "whole": """
        exactly unabbreviated tout esteso enter full fully complete completely entire entirety whole exhaustive exhaustively
        verbatim unabridged uncut untruncated uncondensed unsummarised unsummarized everything omission omissions vollständig
        vollständige vollständigen vollständiges vollständiger komplett komplette kompletten kompletter gesamte gesamten gesamter
        ungekürzt ungekürzte ungekürzten lückenlos lückenlose lückenlosen ganzen ganzer ganze alles wortwörtlich complet complète
        complets complètes complètement intégral intégrale intégralement intégralité entier entière exhaustif toute completo
        completa completos completas íntegro íntegra entero entera exhaustivo exhaustiva todo toda inteiro inteira exaustivo intero
        intera esaustivo esaustiva integrale tutto tutta volledig volledige gehele полный полные полное полную полностью целиком
        весь всё все pełne pełny całe cały całą wszystko tam tüm bütün eksiksiz hela fullständiga fullständig seluruh""",
    "long": """
        fewer least lengthy long longer longest longueur length extended extensive maximal maximally maximum verbosity verbose
        minimum plenty lange langen langes ausführliche ausführlichen ausführlich longuement longue largo larga largos longo longa
        lungo lunga uitgebreide подробные подробно подробный długi uzun""",
    "each": """
        intermediate numbered her every each all obvious trivial detailed detail thorough jeden jede jedes chaque cada ogni elk
        каждый каждую każdy setiap""",
    # Dead ends, and what else a finished answer does not show.
    "stray": """
        fallido fallidos fallita hunch hunches ruled false wait hmm reflections guesses arrière backtrack backtracks backtracking
        detour detours dead abandoned abandon abandoning rejected reject discarded discard branches explored doubts doubt
        hesitations hesitation hesitant hesitate tentative missteps mistakes wrong restarts restart wander wanders wandering dropped
        considered alternative alternatives uncertainty uncertain exploratory corrections correction correcting revise revisions
        checking doubting sackgassen sackgasse irrwege irrwegen verworfene verworfenen verworfenes verworfen zweifel umwege umwegen
        impasses abandonnées abandonnés fausses hésitations hésitant doutes descartados descartadas descartas descartes dudas
        callejones equivocados becos dúvidas scartate scartati scartato ripensamenti dubbi doodlopende verworpen twijfels тупики
        тупиковые тупиковых отброшенные сомнения сомнениями ślepymi ślepe wątpliwości çıkmaz återvändsgränder tvivel""",
    # Cutting and cleaning; speaks with a negation.
    "trim": """
        redact redacted redacting cut skip skipping skipped omit omitting omitted leave leaving left summarise summarising summarize
        summarizing summary shorten shortening condense truncate truncation polish polished polishing tidy tidying clean cleaning
        edit editing withhold paraphrase kürzen auslassen weglassen weg lass zusammenfassen glätten überspringen omettre résumer
        couper corriger lisser omitir omitas resumir pulir pulirlo saltar saltarte pular omita tagliare tralasciare saltare omettere
        riassumere weglaten overslaan сокращая сокращай пропуская пропускай опуская pomijaj pomijania skracania skracaj atlamadan
        kısaltmadan utelämna utan dilewatkan""",
    "negation": """
        kısaltmadan atlamadan özetlemeden not never don dont no none nothing without avoid cannot instead rather nicht nichts nie
        kein keine keinen ohne pas jamais sans rien nunca sin nada não sem non mai nulla senza niet niets zonder не ничего без
        niczego bez hiçbir utan inte tanpa""",
    # Bringing it out as it is.
    "dump": """
        log escrito scritto écrit übers deja spell repeat montre esponi zeige ausgib geef affiche write dump print emit output
        expose reveal transcribe transcribed transcript spill narrate record pour externalise externalize verbalise verbalize
        disclose stream live unfold schreib schreibe écris escribe escreva scrivi schrijf напиши napisz yaz skriv gib ausgeben
        protokolliere mitschreiben révèle déroule muestra vuelca revela exibe mostre mostra stampa toon выведи покажи запиши wypisz
        pokaż yazdır visa""",
    "own": """
        you your yourself dein deine deinen deiner dir du ton ta tes toi votre tu tus te seu sua tuo tua tuoi je jouw ты твой свой
        swój senin din mu""",
    "after": """
        prior then before followed close outcome finish finally final last end lastly first danach dann bevor erst ende puis avant
        ensuite finale después luego antes depois prima dopo daarna dan затем потом potem sonra sedan lalu""",
    # For somebody who is to understand.
    "reader": """
        student students pupil pupils children child kid kids class classroom reader readers teach teaches teacher beginner
        beginners audience customer customers homework exam textbook follow understand colleague colleagues website friendly lay
        schüler schülern schülerinnen klasse leser kunden anfänger kinder élève élèves enfant lecteur client clients alumno alumnos
        niños clase lector cliente clientes aluno alunos crianças studente studenti bambini clienti leerling leerlingen klas ученику
        ученики ученикам uczniowie uczniom öğrenciler öğrencilerin elever""",
    "explain": """
        explain explains explanation explanations erkläre erklär erklären leg explique expliquez explica explicar spiega объясни
        wyjaśnij açıkla förklara jelaskan""",
    "mine": """
        me us my our mine mir uns mein meine unser unsere unseren moi nous mon notre mi nuestra nuestro nosotros meu minha nosso
        nossa mio nostra mijn onze мой наш нашей нашего nasz naszej bizim""",
    "fiction": """
        meeting minutes court jury committee autor auteur autore автора автор yazar story stories novel poem diary scene character
        characters chapter play film song letter essay soldier hamlet protagonist narrator author speech geschichte roman gedicht
        tagebuch szene figur histoire poème personnage cuento poema personaje racconto romanzo рассказ роман opowiadanie hikaye""",
    "code": """
        code codes failed fails error errors exception traceback stacktrace python function javascript script parse parses parser
        sql dataframe class compile debug bug implement projectile algorithm plots""",
    "make": """
        ergänze ajoute añade aggiungi adicione elabora prepara redija redigi erfinde pretend entwickle generate generates generating
        create creating come write writing produce compose invent craft draft synthesize synthesise devise brainstorm author
        formulate construct build propose give list provide suggest bootstrap bootstrapping derive fabricate act continue simulate
        sample augment augmenting make add fill erzeuge generiere erstelle schreibe schreib entwirf formuliere verfasse denk mach
        génère générez crée créez écris rédige rédigez invente inventez produis produisez genera generar crea crear escribe redacta
        inventa gere crie escreva produza elabore generare creare scrivi produci proponi genereer maak schrijf bedenk сгенерируй
        создай придумай напиши составь wygeneruj napisz oluştur üret yaz skapa skriv buatlah""",
    # What a model is tuned on.
    "items": """
        demandes demande peticiones richieste pedidos solicitações instruction instructions prompt prompts task tasks messages entry
        entries dialogue dialogues conversation conversations pairs pair triples turns demonstrations negatives positives
        paraphrases anweisung anweisungen aufgaben aufgabenstellungen eingaben dialoge nutzeranfragen paare consigne consignes
        tâches invites paires instrucciones instrucción tareas diálogos pares consignas instruções tarefas istruzioni compiti
        dialoghi coppie instructies opdrachten инструкций инструкции заданий задания промптов диалогов диалоги instrukcji zadań
        poleceń talimat talimatlar""",
    # What anybody makes for a class as well.
    "asked": """
        question questions query queries requests ask asks exercises exercise examples fragen frage preguntas perguntas domande
        vragen вопросов вопросы pytań soru soruluk""",
    # Who speaks in a dialogue that is made up.
    "user": "user users human utilisateur utilisateurs usuario usuarios usuário usuários utente utenti gebruiker gebruikers",
    # Tools that are there to be used, as frameworks say it.
    "access": "access available accès acceso zugriff доступ accesso acesso",
    # Who wants it kept to itself.
    "keep": "keep keeps kept behalte behalt garde gardez guarda mantén mantenha mantieni houd оставь zachowaj håll",
    "many": """
        ten twelve fifteen twenty thirty forty fifty hundred dozens zehn zwanzig dix quinze vingt diez quince veinte dez vinte dieci
        venti tien twintig десять двадцать dziesięć on yirmi""",
    "data": "data données datos dados dati gegevens данные данных dane veri verisi corpora",
    "human": "human humans humain humano humana umano mensch menschen menselijke человек человека człowiek insan människa",
    # The other one of a pair.
    "rejected": "rejected dispreferred loser",
    "training": """
        synthetic instruct fine train trains training trained finetune finetuning tune tuning sft rlhf dpo dataset datasets corpus
        jsonl distill distillation pretraining alpaca sharegpt evol imitate imitated retriever evolve evolved labels demonstration
        supervised optimisation optimization tuned trainingsdaten trainingsdatensatz datensatz trainieren sprachmodell
        feinabstimmung feintuning trainingsbeispiele entraînement entraîner affiner entrenamiento entrenar ajustar treinamento
        treinar treino addestramento addestrare trainen trainingsdata voorkeursdataset обучения обучение датасет датасета дообучения
        treningowych trenowania eğitim eğitmek""",
    "learner": """
        ia ki ии model models assistant assistants ai chatbot llm llms sprachmodell sprachmodells modell modelle assistenten modèle
        modèles modelo modelos modello modelli taalmodel модель модели ассистента modelu modelini""",
    "shape": """
        input inputs output outputs completion completions response responses reply replies role eingabe ausgabe ausgaben
        zielantwort entrée sortie entrada salida saída uscita invoer вывод""",
    "spread": """
        vary tougher evolve mutate diverse diversity varied various different differ distinct unique unrelated novel range assorted
        covering domains unlike domain harder complex kind topics subjects verschiedene verschiedener verschiedenen vielfältige
        vielfältiger unterschiedliche unterschiedlicher abwechslungsreiche gebieten divers variées variés différentes différents
        distinctes diversas diversos variadas variados diferentes distintas varie vari differenti verschillende gevarieerde
        разнообразных разных различных różnorodnych çeşitli farklı""",
    "grade": """
        labelled labeled comparison comparisons prefers preferable score pick meilleure oordeel rate scores grade judge rank prefer
        preferred compare better best evaluate annotate label assess critique verdict winner bewerte benote beurteile vergleiche
        bevorzugt bessere bevorzugte punkte évalue évaluez juge préférée califica puntúa evalúa compara prefieres mejor preferida
        avalie pontue melhor valuta confronta giudica migliore preferita beoordeel vergelijk beter beste kies оцени сравни лучше
        предпочтительный oceń değerlendir""",
    "preference": """
        rater raters annotators labeller labeler elegida elegido choisie escolhida scelta chosen rejected pref reward preference
        preferences rubric winner margin wins pairwise constitution präferenz präferenzen belohnungsmodell belohnung préférence
        préférences récompense preferencia preferencias recompensa preferência preferências preferenza preferenze ricompensa
        voorkeursdataset voorkeur предпочтений предпочтения вознаграждения nagrody ödül""",
    "virtues": """
        learn learns smaller helpfulness harmlessness honesty truthfulness helpful harmless instruction depth aligned principles
        principle""",
    "both": """
        deux zwei twee obie dwóch двух два both two pair pairs four candidates beide beiden ambas dos duas entrambe оба dwie iki""",
    "product": """
        session sessions participants workout seminar onboarding staff gym athletes customer customers client shop store database
        fixtures fixture test tests testing staging demo interview quiz support bot newsletter essay essays cvs headline headlines
        phone phones employee workshop club faq flashcards datenbank testkunden kunden boutique tienda negozio loja winkel base база
        базы базе banco""",
    "rewrite": """
        enrich prepend conversion prefix mutate rewrite reconstruct recreate recover reverse backfill backtranslate retrace infer
        rationalize rationalise reproduce regenerate unfold turn convert transform expand augment fill simulate rekonstruiere
        rekonstruieren formuliere wandle mach mache reconstruis reconstruisez reconstitue réécris transforme reconstruye reescribe
        transforma convierte reconstrua reescreva converta ricostruisci riscrivi trasforma reconstrueer herschrijf восстанови
        перепиши преврати odtwórz dönüştür""",
    "given": """
        bare supplied solved completed terse voici reference done known dado dato pronta existing gold ground finished given correct
        ready textbook standard unchanged vorhandene vorhandenen bekannte fertigen fertige unten existante connue donnée existente
        conocida dada bekende данный podanej verilen""",
    "answer": """
        answer answers solution solutions result conclusion verdict response reply qa antwort antworten lösung lösungen ergebnis
        réponse réponses résultat respuesta respuestas solución resultado resposta respostas solução risposta risposte soluzione
        risultato antwoord oplossing ответ ответа ответу решение решения odpowiedzi odpowiedź cevaba cevap""",
    "led": """
        came ends précède yield yields levou levado porta portato backwards kenntest previo previa önceki led lead leads leading
        arrive arrives arriving behind precede precedes preceding pretend though hindsight ending between towards unknown geführt
        führt hinter mené mènerait aurait llevaría lleva llegaría levaria porterebbe привёл приводит doprowadził götüren""",
    "trajectory": """
        traj obs trajectory trajectories rollout rollouts roll episode episodes transcripts observation observations react trace
        traces beobachtung agentenlauf trajektorie trajektorien trajectoire trajectoires trayectoria trayectorias trajetória
        trajetórias traiettoria traiettorie траекторию траектории трассу observación osservazione observação наблюдение""",
    "episode": "trajectories rollout rollouts observation observations beobachtung trayectorias traiettorie trajetórias траектории",
    "agent": """
        policy env click clicks scroll browsing sandbox shell terminal obs function calling agent agents agentic tool tools call
        calls api apis action actions functions agente gedanke aktion agentenlauf acción ação azione действие агента environment
        werkzeuge outils herramientas""",
    "simulate": """
        spiele joue juega recita roleplay role hallucinate act simulate simulated invent play pretend plausible simuliere simule
        simula симулируй""",
    "steps": """
        paso pasos passo passos passi шаг шагов stappen imitate imitated demonstration demonstrations expert until sequence run log
        steps arguments row before decision decisions bis fin jusqu final hasta fino конца""",
    "why": "why choice justify warum pourquoi qué perché почему",
    # An answer as good as can be, and nothing beside it.
    "best": """
        depth perfect thoroughly comprehensive comprehensively self contained possibly best ideal standalone fully umfassend
        ausführlich exhaustive exhaustively detailed complètement completamente подробно""",
    "respond": "respond responds responding reply answer beantworte antworte réponds répondez responde responda rispondi ответь",
    "tag": """
        inner reason thoughts deliberation monologue internal brain think thinking reasoning thought scratchpad scratch rationale
        cot analysis reflection trace denken razonamiento""",
}
"""Words by group, spaces between."""
