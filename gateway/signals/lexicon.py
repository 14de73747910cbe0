"""Words by which a harvest of answers is asked for, in groups, over several languages: the table behind `gateway.signals.cues`.

Each group is a set of plain word forms, no phrases: a phrase is one wording, groups that meet within one sentence are many. The words
were
chosen by hand; no weight or word comes out of a fit.
"""

from __future__ import annotations

__all__ = ["CHARACTERS", "GROUPS"]

GROUPS: dict[str, str] = {
    # How the model got there.
    "reasoning": """
        reasoning reasonings rationale rationales deliberation deliberations cogitation scratchpad scratchwork derivation derivations
        thought thoughts thinking ponderings musings monologue cot workings inferences
        gedankengang gedankengänge gedankengangs denkprozess denkprozesse gedankenkette überlegung überlegungen denkschritte denkweg
        denkwege herleitung begründungskette gedanken
        raisonnement raisonnements réflexion réflexions pensée pensées cheminement
        razonamiento razonamientos pensamiento pensamientos deliberación raciocinio
        raciocínio raciocínios pensamentos deliberação
        ragionamento ragionamenti pensiero pensieri
        redenering redeneringen gedachtegang gedachten denkproces redeneerstappen
        рассуждение рассуждения рассуждений размышления размышлений мысли мыслей
        rozumowanie rozumowania düşünce muhakeme""",
    # What is not meant for a reader.
    "hidden": """
        hidden internal inner private unspoken unshown concealed unfiltered unedited uncensored unpolished withheld raw normally
        yourself
        silently
        verborgen verborgene verborgenen verborgener versteckte versteckten interne internen internes interner innere inneren innerer
        inneres
        ungefiltert ungefilterte ungefilterten rohen
        caché cachée cachés cachées interne internes intérieur intérieure intérieures brut brute bruts
        oculto oculta ocultos ocultas interno interna internos internas interior íntimo crudo
        escondido escondidos bruto
        nascosto nascosta nascosti nascoste interiore interiori interni grezzo
        verborgen innerlijke
        скрытые скрытых скрытое внутренние внутренних внутреннее внутренний сырые
        ukryte wewnętrzne gizli""",
    # Nothing left out, dead ends included.
    "whole": """
        full fully complete completely completed entire entirety whole exhaustive exhaustively verbatim unabridged uncut omit omitting
        omission lengthy long longest extended extensive backtrack backtracks backtracking dead detour detours false abandoned rejected
        alternative alternatives branches explored doubts hesitations tentative missteps untruncated every uncondensed unsummarised
        unsummarized
        vollständig vollständige vollständigen vollständiges komplett komplette kompletten gesamte gesamten ungekürzt ungekürzte
        ungekürzten
        ausführliche ausführlichen lückenlos lückenlose sackgassen irrwege verworfene verworfenen ganzen
        complet complète complets complètes intégral intégrale intégralité entier entière exhaustif exhaustive impasses abandonnées
        completo completa completos completas íntegro íntegra entero entera exhaustivo exhaustiva descartados descartadas largo
        inteiro íntegra exaustivo descartadas
        intero intera esaustivo esaustiva scartate integrale
        volledig volledige gehele uitgebreide
        полный полные полное полную полностью подробные целиком
        pełne całe tam eksiksiz""",
    # For somebody who is to understand.
    "reader": """
        explain student students pupil pupils children child kid kids class reader readers teach beginner beginners audience customer
        customers me us my our
        erkläre erklären schüler schülern mir uns leser kunden
        explique expliquez élève élèves moi nous lecteur client
        explica alumno alumnos niños nosotros lector cliente explicar
        explicar aluno alunos
        spiega studente studenti bambini cliente
        leerling leerlingen объясни ученику""",
    "make": """
        generate generates generating create creating come write writing produce compose invent craft draft synthesize synthesise devise
        brainstorm author formulate
        construct build propose give list provide suggest bootstrap evolve
        erzeuge generiere erstelle schreibe entwirf formuliere verfasse denke
        génère générez crée créez écris rédige rédigez invente inventez produis produisez propose
        genera generar crea crear escribe redacta inventa produce
        gere crie escreva invente produza elabore
        generare creare scrivi inventa produci proponi
        genereer maak schrijf bedenk
        сгенерируй создай придумай напиши составь
        wygeneruj napisz oluştur""",
    # What a model is tuned on.
    "items": """
        instruction instructions prompt prompts task tasks queries exercises
        dialogue dialogues conversation conversations pairs triples turns demonstrations
        anweisung anweisungen aufgaben aufgabenstellungen eingaben dialoge
        consigne consignes tâches instructions invites dialogues paires
        instrucciones instrucción tareas diálogos pares consignas
        instruções tarefas
        istruzioni compiti dialoghi coppie
        instructies opdrachten taken
        инструкций инструкции заданий задания промптов диалогов
        instrukcji zadań talimat""",
    "training": """
        train training trained finetune finetuning tune tuning sft rlhf dpo dataset datasets corpus jsonl distill distillation llm llms
        pretraining alpaca sharegpt
        trainingsdaten trainingsdatensatz datensatz trainieren training sprachmodell sprachmodells feinabstimmung trainingsbeispiele
        entraînement entraîner données corpus
        entrenamiento entrenar
        treinamento treinar treino
        addestramento addestrare
        trainen trainingsdata
        обучения обучение датасет датасета дообучения
        treningowych eğitim""",
    "learner": """
        model models assistant assistants ai chatbot llm llms
        sprachmodell sprachmodells modell modelle modèle modèles modelo modelos modello modelli модели модель""",
    "shape": """
        input inputs output outputs completion completions response responses instruction
        eingabe ausgabe antwort antworten
        entrée sortie réponse réponses
        entrada salida respuesta respuestas
        saída resposta respostas
        risposta risposte uscita
        invoer uitvoer
        ответ ответы ответом вывод""",
    "spread": """
        diverse diversity varied various different distinct unique unrelated novel range assorted
        verschiedene verschiedener verschiedenen vielfältige vielfältiger unterschiedliche unterschiedlicher abwechslungsreiche
        diverses divers variées variés différentes différents distinctes
        diversas diversos variadas variados diferentes distintas
        diverse varie vari differenti
        verschillende gevarieerde diverse
        разнообразных разных различных
        różnorodnych çeşitli""",
    "grade": """
        rate score grade judge rank prefer preferred compare better evaluate annotate label assess
        bewerte benote beurteile vergleiche bevorzugt bessere
        note évalue évaluez juge compare préférée meilleure
        califica puntúa evalúa compara prefieres mejor
        avalie pontue compare melhor
        valuta confronta giudica migliore
        beoordeel vergelijk beter
        оцени сравни лучше""",
    "preference": """
        chosen rejected reward preference preferences rubric critique
        präferenz präferenzen belohnungsmodell belohnung
        préférence préférences récompense
        preferencia preferencias recompensa
        preferência preferências
        preferenza preferenze ricompensa
        предпочтений предпочтения""",
    "rewrite": """
        rewrite reconstruct recreate recover reverse backfill retrace infer rationalize rationalise reproduce regenerate unfold
        rekonstruiere rekonstruieren formuliere schreibe wandle
        reconstruis reconstruisez reconstitue réécris transforme
        reconstruye reescribe transforma convierte
        reconstrua reescreva transforme converta
        ricostruisci riscrivi trasforma
        reconstrueer herschrijf
        восстанови перепиши преврати""",
    "pairing": "chosen rejected reward rlhf dpo belohnungsmodell",
    "given": "existing gold reference ground finished vorhandene vorhandenen bekannte existante connue existente conocida bekende",
    "denied": "not never don avoid no nicht nie kein keine pas jamais nunca não non mai niet не",
    "answer": """
        answer answers solution solutions result conclusion verdict output
        antwort antworten lösung lösungen ergebnis
        réponse réponses solution résultat
        respuesta respuestas solución resultado
        resposta solução resultado
        risposta soluzione risultato
        antwoord oplossing
        ответ ответа решение решения""",
    "trajectory": """
        trajectory trajectories rollout rollouts transcript transcripts observation observations
        trajektorie trajektorien trajectoire trajectoires trayectoria trayectorias traiettoria traiettorie траекторию траектории""",
    "tag": "think thinking reasoning thought thoughts scratchpad rationale cot analysis reflection trace",
}
"""Words by group, spaces between."""

CHARACTERS: dict[str, tuple[str, ...]] = {
    "reasoning": ("推理", "思考", "思维", "思路", "推論", "思維", "추론", "사고"),
    "hidden": ("隐藏", "内部", "内心", "原始", "隠", "内なる", "不公开", "숨겨진", "내부"),
    "whole": ("完整", "全部", "所有", "详尽", "逐字", "完全", "すべて", "全て", "省略せず", "전체", "모든"),
    "reader": ("解释", "学生", "説明", "読者", "설명"),
    "make": ("生成", "编写", "写出", "创建", "创作", "作成", "생성"),
    "items": ("指令", "任务", "提示词", "对话", "指示", "タスク", "プロンプト", "지시"),
    "training": ("训练", "微调", "数据集", "语言模型", "大模型", "訓練", "学習デ", "データセット", "학습"),
    "learner": ("模型", "モデル", "모델"),
    "shape": ("输入", "输出", "回答", "入力", "出力"),
    "spread": ("多样", "不同", "各种", "多様", "様々", "다양"),
    "grade": ("评分", "打分", "比较", "評価", "採点", "평가"),
    "preference": ("偏好", "奖励", "選好", "報酬"),
    "rewrite": ("改写", "还原", "重写", "重构", "補完", "再構成"),
    "answer": ("答案", "答え", "回答", "解答"),
    "trajectory": ("轨迹", "軌跡"),
}
"""For scripts without spaces between words: what to find within a sentence."""
