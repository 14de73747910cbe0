"""Words by which a harvest of answers is asked for, in groups, over several languages: the table behind `gateway.signals.cues`.

Each group is a set of plain word forms, no phrases: a phrase is one wording, groups that meet within two sentences are many. The words
were chosen by hand; no weight or word comes out of a fit.
"""

from __future__ import annotations

__all__ = ["CHARACTERS", "GROUPS"]

GROUPS: dict[str, str] = {
    # How the model got there.
    "reasoning": """
        reasoning reasonings rationale rationales deliberation deliberations deliberate cogitation scratchpad scratchwork derivation
        derivations thought thoughts thinking ponderings musings monologue cot workings inferences inference cognition cognitive
        introspection soliloquy
        gedankengang gedankengänge gedankengangs gedankengängen denkprozess denkprozesse denkprozesses gedankenkette gedankenketten
        überlegung überlegungen denkschritte denkweg denkwege herleitung begründungskette gedanken gedanke monolog
        selbstgespräch
        raisonnement raisonnements réflexion réflexions réfléchis pensée pensées cheminement monologue
        razonamiento razonamientos pensamiento pensamientos deliberación raciocinio monólogo
        raciocínio raciocínios pensamento pensamentos deliberação
        ragionamento ragionamenti pensiero pensieri monologo
        redenering redeneringen gedachtegang gedachten gedachte denkproces redeneerstappen monoloog
        рассуждение рассуждения рассуждений размышления размышлений мысли мыслей мысль монолог
        rozumowanie rozumowania myślenia myśli monolog düşünce düşünceler düşüncelerini muhakeme monoloğu monoloğunu
        tankegång tankegångar tankar resonemang ajattelu ajatukset berpikirmu berpikir penalaran""",
    "think": """
        think reason denke denk réfléchis pense piensa razona ragiona pensa рассуждай размышляй думай rozumuj resonera""",
    # What passes through somebody's mind.
    "mind": """
        mind head aloud loud consciousness narrate narrating verbalise verbalize externalise externalize
        kopf sinn laut esprit tête voix cabeza mente testa hoofd hardop голове уме вслух głowie głos sesli aklından zihninden
        huvudet""",
    # What is not meant for a reader.
    "hidden": """
        hidden internal inner internally private privately unspoken unshown concealed unfiltered unedited uncensored unpolished withheld
        raw normally silently messy untidied uncleaned innermost unsanitised unsanitized
        verborgen verborgene verborgenen verborgener versteckte versteckten interne internen internes interner innere inneren innerer
        inneres ungefiltert ungefilterte ungefilterten rohen rohe unzensiert
        caché cachée cachés cachées internes intérieur intérieure intérieures brut brute bruts brutes intime
        oculto oculta ocultos ocultas interno interna internos internas interior íntimo crudo cruda
        escondido escondidos bruto
        nascosto nascosta nascosti nascoste interiore interiori interni grezzo
        innerlijke innerlijk ruwe
        скрытые скрытых скрытое внутренние внутренних внутреннее внутренний внутреннюю сырые
        ukryte ukryty wewnętrzne wewnętrzny gizli iç inre dolda batin""",
    # Nothing left out.
    "whole": """
        full fully complete completely entire entirety whole exhaustive exhaustively verbatim unabridged uncut untruncated uncondensed
        unsummarised unsummarized everything omission omissions
        vollständig vollständige vollständigen vollständiges vollständiger komplett komplette kompletten kompletter gesamte gesamten
        gesamter ungekürzt ungekürzte ungekürzten lückenlos lückenlose lückenlosen ganzen ganzer ganze alles wortwörtlich
        complet complète complets complètes complètement intégral intégrale intégralement intégralité entier entière exhaustif
        exhaustive tout toute
        completo completa completos completas íntegro íntegra entero entera exhaustivo exhaustiva todo toda
        inteiro inteira exaustivo
        intero intera esaustivo esaustiva integrale tutto tutta
        volledig volledige gehele alles
        полный полные полное полную полностью целиком весь всё все
        pełne pełny całe cały całą wszystko tam tüm bütün eksiksiz hela fullständiga fullständig seluruh""",
    "long": """
        lengthy long longer longest longueur length extended extensive maximal maximally maximum verbosity verbose minimum plenty
        lange langen langes ausführliche ausführlichen ausführlich longuement longue largo larga largos longo longa lungo lunga
        uitgebreide подробные подробно подробный długi uzun""",
    "each": """
        every each all obvious trivial detailed detail thorough jeden jede jedes chaque cada ogni elk каждый каждую każdy setiap""",
    # Dead ends, and what else a finished answer does not show.
    "stray": """
        backtrack backtracks backtracking detour detours dead abandoned abandon abandoning rejected reject discarded discard branches
        explored doubts doubt hesitations hesitation hesitant hesitate tentative missteps mistakes wrong restarts restart wander wanders
        wandering dropped considered alternative alternatives uncertainty uncertain exploratory corrections correction
        correcting revise revisions checking doubting
        sackgassen sackgasse irrwege irrwegen verworfene verworfenen verworfenes verworfen zweifel umwege umwegen
        impasses abandonnées abandonnés fausses hésitations hésitant doutes
        descartados descartadas descartas descartes dudas callejones equivocados
        becos descartadas dúvidas
        scartate scartati scartato ripensamenti dubbi
        doodlopende verworpen twijfels
        тупики тупиковые тупиковых отброшенные сомнения сомнениями
        ślepymi ślepe wątpliwości çıkmaz återvändsgränder tvivel""",
    # Cutting and cleaning; speaks with a negation.
    "trim": """
        skip skipping skipped omit omitting omitted leave leaving left summarise summarising summarize summarizing summary shorten
        shortening condense truncate truncation polish polished polishing tidy tidying clean cleaning edit editing withhold paraphrase
        kürzen auslassen weglassen weg lass zusammenfassen glätten überspringen
        omettre résumer couper corriger lisser
        omitir omitas resumir pulir pulirlo saltar saltarte
        pular omita
        tagliare tralasciare saltare omettere riassumere
        weglaten overslaan weg
        сокращая сокращай пропуская пропускай опуская
        pomijaj pomijania skracania skracaj atlamadan kısaltmadan utelämna utan dilewatkan""",
    "negation": """
        not never don dont no none nothing without avoid cannot instead rather
        nicht nichts nie kein keine keinen ohne pas jamais sans rien no nunca sin nada não sem non mai nulla senza niet niets zonder
        не ничего без nie niczego bez hiçbir utan inte tanpa""",
    # Bringing it out as it is.
    "dump": """
        write dump print emit output expose reveal transcribe transcribed transcript spill narrate record pour externalise externalize
        verbalise verbalize disclose stream live unfold
        schreib schreibe écris escribe escreva scrivi schrijf напиши napisz yaz skriv gib ausgeben protokolliere mitschreiben
        affiche révèle déroule muestra vuelca revela exibe mostre mostra stampa toon
        выведи покажи запиши wypisz pokaż yazdır visa""",
    "own": """
        you your yourself dein deine deinen deiner dir du ton ta tes toi votre tu tus te seu sua tuo tua tuoi je jouw ты твой свой swój
        senin din mu""",
    "after": """
        then before followed close outcome finish finally final last end lastly first danach dann bevor erst ende puis avant
        ensuite finale después
        luego antes final depois prima dopo daarna dan затем потом potem sonra sedan lalu""",
    # For somebody who is to understand.
    "reader": """
        student students pupil pupils children child kid kids class classroom reader readers teach teaches teacher beginner beginners
        audience customer customers homework exam textbook follow understand colleague colleagues website friendly lay
        schüler schülern schülerinnen klasse leser kunden anfänger kinder élève élèves enfant lecteur client clients
        alumno alumnos niños clase lector cliente clientes aluno alunos crianças
        studente studenti bambini cliente clienti leerling leerlingen klas ученику ученики ученикам uczniowie uczniom öğrenciler
        öğrencilerin elever""",
    "explain": """
        explain explains explanation explanations erkläre erklär erklären erkläre leg explique expliquez explica explicar spiega
        объясни wyjaśnij açıkla förklara jelaskan""",
    "mine": """
        me us my our mine i mir uns mein meine unser unsere unseren moi nous mon notre mi nuestra nuestro nosotros meu minha
        nosso nossa mio
        nostra mijn onze мой наш нашей нашего nasz naszej bizim""",
    "fiction": """
        story stories novel poem diary scene character characters chapter play film song letter essay soldier hamlet protagonist
        narrator
        author speech geschichte roman gedicht tagebuch szene figur histoire poème personnage cuento poema personaje racconto romanzo
        рассказ роман opowiadanie hikaye""",
    "code": """
        code codes python function javascript script parse parses parser sql dataframe class compile debug bug implement
        projectile algorithm plots""",
    "make": """
        generate generates generating create creating come write writing produce compose invent craft draft synthesize synthesise devise
        brainstorm author formulate construct build propose give list provide suggest bootstrap bootstrapping derive fabricate
        act continue simulate sample augment augmenting make add fill
        erzeuge generiere erstelle schreibe schreib entwirf formuliere verfasse denk mach
        génère générez crée créez écris rédige rédigez invente inventez produis produisez propose
        genera generar crea crear escribe redacta inventa produce
        gere crie escreva invente produza elabore
        generare creare scrivi inventa produci proponi
        genereer maak schrijf bedenk
        сгенерируй создай придумай напиши составь
        wygeneruj napisz oluştur üret yaz skapa skriv buatlah""",
    # What a model is tuned on.
    "items": """
        instruction instructions prompt prompts task tasks queries query exercises exercise examples
        questions requests messages entry entries list
        dialogue dialogues conversation conversations pairs pair triples turns demonstrations negatives positives paraphrases
        anweisung anweisungen aufgaben aufgabenstellungen eingaben dialoge nutzeranfragen paare fragen
        consigne consignes tâches invites paires
        instrucciones instrucción tareas diálogos pares consignas
        instruções tarefas
        istruzioni compiti dialoghi coppie
        instructies opdrachten
        инструкций инструкции заданий задания промптов диалогов диалоги
        instrukcji zadań poleceń talimat talimatlar""",
    "training": """
        train trains training trained finetune finetuning tune tuning sft rlhf dpo dataset datasets corpus jsonl distill distillation
        pretraining alpaca sharegpt evol imitate imitated retriever evolve evolved labels demonstration supervised optimisation
        optimization tuned
                trainingsdaten trainingsdatensatz datensatz trainieren sprachmodell feinabstimmung feintuning trainingsbeispiele
                training
        entraînement entraîner affiner
        entrenamiento entrenar ajustar
        treinamento treinar treino
        addestramento addestrare
        trainen trainingsdata voorkeursdataset
        обучения обучение датасет датасета дообучения
        treningowych trenowania eğitim eğitmek""",
    "learner": """
        model models assistant assistants ai chatbot llm llms
        sprachmodell sprachmodells modell modelle assistenten modèle modèles modelo modelos modello modelli taalmodel
        модель модели модели ассистента modelu modelini""",
    "shape": """
        input inputs output outputs completion completions response responses reply replies
        eingabe ausgabe ausgaben antwort antworten zielantwort
        entrée sortie réponse réponses
        entrada salida respuesta respuestas
        saída resposta respostas
        risposta risposte uscita
        invoer uitvoer antwoorden
        ответ ответы ответами ответом вывод odpowiedziami odpowiedzi yanıt""",
    "spread": """
        diverse diversity varied various different differ distinct unique unrelated novel range assorted covering domains unlike domain
        harder complex kind topics subjects
        verschiedene verschiedener verschiedenen vielfältige vielfältiger unterschiedliche unterschiedlicher abwechslungsreiche gebieten
        divers variées variés différentes différents distinctes
        diversas diversos variadas variados diferentes distintas
        diverse varie vari differenti
        verschillende gevarieerde
        разнообразных разных различных
        różnorodnych çeşitli farklı""",
    "grade": """
        rate score scores grade judge rank prefer preferred compare better best evaluate annotate label assess critique verdict winner
        bewerte benote beurteile vergleiche bevorzugt bessere bevorzugte punkte
        évalue évaluez juge compare préférée meilleure
        califica puntúa evalúa compara prefieres mejor preferida
        avalie pontue compare melhor
        valuta confronta giudica migliore preferita
        beoordeel vergelijk beter beste kies
        оцени сравни лучше предпочтительный
        oceń değerlendir""",
    "preference": """
        chosen rejected reward preference preferences rubric winner margin wins pairwise constitution
        präferenz präferenzen belohnungsmodell belohnung
        préférence préférences récompense
        preferencia preferencias recompensa
        preferência preferências
        preferenza preferenze ricompensa
        voorkeursdataset voorkeur
        предпочтений предпочтения вознаграждения nagrody ödül""",
    "virtues": """
        learn learns smaller helpfulness harmlessness honesty truthfulness helpful harmless instruction depth aligned
        principles principle""",
    "both": "both two pair pairs four candidates beide beiden deux ambas dos duas entrambe оба dwie iki",
    "product": """
        customer customers client shop store database fixtures fixture test tests testing staging demo interview quiz support bot
        newsletter essay essays cvs headline headlines phone phones employee workshop club faq flashcards datenbank testkunden kunden
        shop boutique tienda negozio loja winkel base база базы базе banco""",
    "rewrite": """
        rewrite reconstruct recreate recover reverse backfill backtranslate retrace infer rationalize rationalise reproduce regenerate
        unfold turn convert transform expand augment fill simulate
        rekonstruiere rekonstruieren formuliere wandle mach mache
        reconstruis reconstruisez reconstitue réécris transforme
        reconstruye reescribe transforma convierte
        reconstrua reescreva transforme converta
        ricostruisci riscrivi trasforma
        reconstrueer herschrijf
        восстанови перепиши преврати odtwórz dönüştür""",
    "given": """
        existing gold reference ground finished given known correct ready textbook terse correct standard unchanged
        vorhandene vorhandenen bekannte fertigen fertige unten existante connue donnée existente conocida pronta dada bekende данный
        podanej verilen""",
    "answer": """
        answer answers solution solutions result conclusion verdict response reply qa
        antwort antworten lösung lösungen ergebnis
        réponse réponses résultat
        respuesta respuestas solución resultado
        resposta respostas solução
        risposta risposte soluzione risultato
        antwoord oplossing
        ответ ответа ответу решение решения odpowiedzi odpowiedź cevaba cevap""",
    "led": """
        led lead leads leading arrive arrives arriving behind precede precedes preceding pretend though hindsight ending between towards
        unknown
        geführt führt hinter mené mènerait aurait llevaría lleva llegaría levaria porterebbe
        привёл приводит doprowadził götüren""",
    "trajectory": """
        trajectory trajectories rollout rollouts roll episode episodes transcripts observation observations react trace traces
        beobachtung agentenlauf trajektorie trajektorien trajectoire trajectoires trayectoria trayectorias trajetória trajetórias
        traiettoria traiettorie траекторию траектории трассу observación osservazione observação наблюдение""",
    "episode": """
        trajectories rollout rollouts observation observations beobachtung trayectorias traiettorie trajetórias траектории""",
    "agent": """
        agent agents agentic tool tools call calls api apis action actions functions agente gedanke aktion agentenlauf acción
        ação azione
        действие агента environment werkzeuge outils herramientas""",
    "simulate": """
        simulate simulated invent play pretend plausible simuliere simule simula симулируй""",
    "steps": """
        imitate imitated demonstration demonstrations expert until sequence run log steps arguments row before decision decisions
        bis fin
        jusqu final hasta fino конца""",
    "why": "why choice justify warum pourquoi qué perché почему",
    # An answer as good as can be, and nothing beside it.
    "best": """
        thoroughly comprehensive comprehensively self contained possibly best ideal standalone fully umfassend ausführlich exhaustive
        exhaustively detailed complètement completamente подробно""",
    "respond": "respond responds responding reply answer beantworte antworte réponds répondez responde responda rispondi ответь",
    "tag": "think thinking reasoning thought thoughts scratchpad scratch rationale cot analysis reflection trace denken razonamiento",
}
"""Words by group, spaces between."""

CHARACTERS: dict[str, tuple[str, ...]] = {
    "reasoning": (
        "推理", "思考", "思维", "思路", "推論", "思維", "独白", "独り言", "추론", "사고", "생각", "독백",
        "विचार", "सोच", "أفكار", "تفكير", "استدلال", "suy nghĩ", "lập luận", "ความคิด",
    ),
    "mind": ("脑", "脑海", "心中", "頭の中", "머릿속", "मन", "ذهن"),
    "hidden": ("隐藏", "内部", "内心", "原始", "隠", "内なる", "不公开", "心の", "숨겨진", "내부", "내면", "आंतरिक",
        "الداخلي", "nội tâm"),
    "whole": (
        "完整", "全部", "所有", "详尽", "逐字", "完全", "すべて", "全て", "全部", "一切", "원문", "전체", "모든", "전부", "모두",
        "पूरी", "पूरा", "الكاملة", "كامل", "toàn bộ", "đầy đủ",
    ),
    "long": ("尽可能长", "长思考", "尽量长", "できるだけ長く", "길게"),
    "each": ("每一步", "每个", "每一", "各ステップ", "각 단계"),
    "stray": ("否定", "走错", "弯路", "放弃", "试错", "行き詰ま", "迷い", "没有", "막다른", "시행착오"),
    "trim": ("省略", "总结", "整理", "删", "略さ", "要約", "생략", "요약", "छोड़े", "حذف", "bỏ sót"),
    "negation": ("不要", "不得", "别", "不", "せず", "ずに", "しない", "ないで", "말고", "않고", "बिना", "دون", "không"),
    "dump": ("输出", "写出", "写下", "写在", "出力", "書き出", "書い", "출력", "적", "쓰", "लिखो", "اكتب", "viết ra"),
    "own": ("你", "あなた", "당신", "너의", "अपनी", "ك "),
    "after": ("然后", "再", "最后", "之前", "その後", "てから", "最後", "다음", "마지막", "फिर", "ثم", "rồi"),
    "reader": ("学生", "读者", "作业", "生徒", "読者", "学生", "학생", "छात्र", "الطلاب", "học sinh"),
    "explain": ("解释", "説明", "설명", "समझाओ", "اشرح", "giải thích"),
    "mine": ("我们", "我的", "うちの", "우리"),
    "make": ("生成", "编写", "写出", "创建", "创作", "作成", "补写", "생성", "만들"),
    "items": ("指令", "任务", "提示词", "对话", "指示", "タスク", "プロンプト", "ペア", "问答", "지시"),
    "training": ("训练", "微调", "数据集", "訓練", "学習デ", "の学習", "データセット", "학습", "미세조정"),
    "learner": ("模型", "助手", "モデル", "모델"),
    "shape": ("输入", "输出", "回答", "入力", "出力", "応答", "응답"),
    "spread": ("多样", "不同", "各种", "多様", "様々", "다양"),
    "grade": ("评分", "打分", "比较", "更优", "選", "評価", "採点", "평가", "선호"),
    "preference": ("偏好", "奖励", "選好", "報酬", "보상", "好ましい", "선호"),
    "both": ("两个", "二つ", "両方", "두 "),
    "product": ("我们的", "数据库", "客户", "用户的", "テスト用", "데이터베이스", "고객", "테스트"),
    "rewrite": ("改写", "还原", "重写", "重构", "补写", "補完", "再構成", "再現", "복원", "재구성", "만들"),
    "given": ("已知", "给定", "标准", "与えられ", "以下の", "주어진"),
    "answer": ("答案", "答え", "回答", "解答", "정답", "답"),
    "led": ("得到", "至る", "到る", "ふり", "이르는"),
    "trajectory": ("轨迹", "軌跡", "観察", "观察", "궤적"),
    "agent": ("智能体", "行动", "工具", "エージェント", "行動", "도구"),
    "simulate": ("直到", "最後まで", "结束", "模拟"),
}  # fmt: skip
"""For scripts without spaces between words, and others that word boundaries do not suit: what to find within a sentence."""
