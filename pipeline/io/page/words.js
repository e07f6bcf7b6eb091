// What the page says, in German and English, and how it writes numbers and times. Knows nothing of the page's parts.

const WORDS = {
  de: {
    connecting: "Verbindung wird aufgebaut …",
    lost: "Keine Verbindung zum Server. Die Zahlen sind von {time}.",
    recovering: "Noch keine Zahlen: der Stand wird wiederhergestellt.",
    noData: "Noch nichts eingetroffen.",
    catchingUp: "Holt auf: {n} Ereignisse zurück{eta}.",
    eta: ", noch etwa {time}",
    overdue: { one: "Eine Person wartet zu lange, {queue}: {wait}.", other: "{n} Menschen warten zu lange, am schlimmsten {queue}: {wait}." },
    unansweredOverdue: { one: "Eine Nachricht wartet zu lange auf Antwort.", other: "{n} Nachrichten warten zu lange auf Antwort." },
    fine: { zero: "Niemand wartet.", one: "Eine Person wartet, innerhalb des Ziels.", other: "{n} Menschen warten, alle innerhalb des Ziels." },
    warehouseAway: "Die Datenbank ist nicht erreichbar. Die Zahlen hier stimmen weiter, geschrieben wird, sobald sie zurück ist.",
    history: "Liest, was schon war: angekommen bei {time}.",
    incompleteSentence: "Unvollständig: {n} von {m} Partitionen sind da.",
    promisesLate: { one: "Eine Zusage ist überfällig.", other: "{n} Zusagen sind überfällig." },
    soonSentence: { one: "Eine Person wartet noch im Ziel, kommt aber zu spät an die Reihe.", other: "{n} Menschen warten noch im Ziel, kommen aber zu spät an die Reihe." },
    also: "Außerdem überfällig: {things}.", alsoMessages: { one: "1 Nachricht", other: "{n} Nachrichten" }, alsoPromises: { one: "1 Zusage", other: "{n} Zusagen" },
    act: "Akt {number} von {of}", desk: "Schreibtisch", wall: "Wand", byChannel: "nach Kanal", byQueue: "nach Warteschlange", only: "nur {names}", allQueues: "alle zeigen",
    weekAgoAt: "{day} {time}:", weekAgoUntil: "{day} bis {time}:", pastUnknown: "Vorwoche noch nicht bekannt", incomplete: "unvollständig",
    willMiss: { one: "1 verpasst es gleich", other: "{n} verpassen es gleich" }, targetNone: "Ziel: keine", dueSoon: { zero: "keine in 30 min fällig", one: "1 in 30 min fällig", other: "{n} in 30 min fällig" },
    promisesOverdue: "Zusagen überfällig", promisesList: "Zusagen: überfällig und bald fällig", emptyPromises: "Keine Zusage ist überfällig oder in 30 min fällig.",
    willMissList: "Verpasst gleich das Ziel", emptyWillMiss: "Niemand kommt zu spät an die Reihe.", dueSoonList: "Antwort bald fällig", emptyDueSoon: "Nichts wird in 30 min fällig.",
    dueIn: "in {time}", step: "Nächster Schritt", steps: { answer: "annehmen", reply: "antworten", call_back: "zurückrufen", keep_promise: "einlösen oder absagen", check: "nachsehen" },
    kinds: { callback: "Rückruf", appointment: "Termin", delivery: "Lieferung", repair: "Reparatur", refund: "Erstattung", other: "Zusage" },
    soon: "wird knapp", trends: "Verlauf", todayKey: "heute", thenKey: "vor einer Woche", pastOld: "Stand {time}, vor {age}",
    plots: { waiting: "Warten, Ende jeder Minute", offered: "Angeboten je 15 min", service_level: "Servicelevel je 15 min", unanswered: "Ohne erste Antwort", messages: "Neue Nachrichten je 15 min", replies: "Antworten je 15 min" },
    plotCount: "{title}: jetzt {now}, höchstens {most}, vor einer Woche {then}", plotRatio: "{title}: zuletzt {now}, vor einer Woche {then}",
    partitionsOf: "{n} von {m} Partitionen", noDefinition: "Dazu ist gerade keine Erklärung zu bekommen.", close: "Schließen", parts: "Teile",
    periods: { now: "jetzt", recent: "letzte 30 min", today: "heute seit 0 Uhr", days: "letzte Tage", confirmed: "bestätigte Tage" },
    sqlNow: "Die Tabelle nennt die Warteschlange des Anfangs; die Seite zählt Weitergeleitete in ihrer jetzigen.",
    partition: "Partition {name}: {reason}", somePartitions: "{n} Partitionen: {reason}",
    demoBegins: "Die Demo erzählt erst, was vor ihrem Anfang war.", nothingHere: "Von dieser Auswahl ist nichts bekannt.",
    reasons: { recovering: "in Wiederherstellung", warehouse: "noch ohne Datenbank", stopped: "angehalten", none: "noch keine Partition zugeteilt" },
    demo: "erfundene Daten",
    age: "Stand {time} · vor {age}",
    live: "Live: jetzt am Telefon, im Chat, vor Ort",
    deferred: "Später: Nachrichten, die auf Antwort warten",
    now: "jetzt", today: "heute seit 0 Uhr", recent: "letzte 30 min",
    waitingNow: "Warten jetzt", longestWait: "Längste Wartezeit", serviceLevel: "Servicelevel", unansweredNow: "Unbeantwortet",
    oldest: "Älteste Nachricht", inTarget: "Antwort im Ziel", fcr: "Beim Erstkontakt gelöst",
    talking: "{n} im Gespräch", overdueNow: { zero: "niemand über dem Ziel", one: "1 über dem Ziel", other: "{n} über dem Ziel" },
    stale: { one: "1 nicht mehr glaubhaft, nicht mitgezählt", other: "{n} nicht mehr glaubhaft, nicht mitgezählt" },
    target: "Ziel {target}", targets: "Ziele {low} bis {high}", noTarget: "kein Ziel gesetzt",
    nobody: "niemand wartet", none: "keine", undecided: { one: "1 wartet noch im Ziel und zählt nicht mit", other: "{n} warten noch im Ziel und zählen nicht mit" },
    formulas: {
      sl_offered: "im Ziel angenommen / angeboten",
      sl_net: "im Ziel angenommen / angeboten ohne sofort Aufgelegte",
      sl_without_quick: "im Ziel angenommen / angeboten ohne im Ziel Aufgelegte",
      sl_answered: "im Ziel angenommen / angenommen",
      sl_connect: "im Ziel angenommen oder aufgelegt / angeboten",
    },
    responseFormula: "im Ziel beantwortet / fällig, Unbeantwortete mitgezählt",
    provisional: "vorläufig", confirmed: "bestätigt", days: "Abschlüsse von je {n} Tagen", confirmedUntil: "bestätigt, bis {day}", ofClosings: { one: "von 1 Abschluss", other: "von {n} Abschlüssen" }, openHead: "Offen", oldestHead: "Älteste", notKnown: "noch nicht bekannt",
    openTime: "in Öffnungszeit gezählt", clockTime: "auf der Uhr gezählt",
    queues: "Warteschlangen", queue: "Warteschlange", channel: "Kanal", waiting: "Warten", longest: "Längste", expected: "Erwartet",
    overTarget: "Über Ziel", slToday: "SL heute", slRecent: "SL 30 min", abandonRate: "Aufgelegt", asa: "Ø Wartezeit", p90: "90 % unter",
    inTargetToday: "Im Ziel heute", firstP50: "Hälfte unter", firstP90: "90 % unter", dueToday: "Fällig heute",
    status: "Stand", ok: "im Ziel", late: "über Ziel", quiet: "ruhig",
    lists: "Wer zuerst?", beyondTarget: "Wartet über dem Ziel", unanswered: "Unbeantwortet", callBack: "Zurückrufen (heute aufgelegt)", staleList: "Nicht mehr glaubhaft",
    emptyBeyond: "Niemand wartet über dem Ziel.", emptyUnanswered: "Alles beantwortet.", unansweredLive: "Ohne Antwort im Gespräch", emptyCallBack: "Niemand offen.",
    more: "und {n} weitere", contact: "Kontakt", since: "seit", over: "darüber", callBackCount: { one: "1 heute aufgelegt, noch nicht erreicht", other: "{n} heute aufgelegt, noch nicht erreicht" },
    partitions: "{n} Partitionen", applied: "{n} verbucht", duplicates: "{n} doppelt", rejectedN: "{n} abgewiesen",
    silence: "{source} still seit {age}", openDays: { one: "1 Arbeitstag", other: "{n} Arbeitstage" }, openHours: "{time} Öffnungszeit",
    unknown: "ohne Angabe", other: "übrige",
    none_yet: "–", half: "die Hälfte unter {time}", withinTarget: "im Ziel der Warteschlange", byArrival: "nach Eingang",
    repliesLastHour: { one: "1 Antwort in der letzten Stunde", other: "{n} Antworten in der letzten Stunde" },
    alsoWaiting: { one: "1 wartet außerdem in einer Warteschlange", other: "{n} warten außerdem in einer Warteschlange" },
    messagesOverdue: { one: "1 Nachricht ohne Antwort über dem Ziel", other: "{n} Nachrichten ohne Antwort über dem Ziel" },
    targetHead: "Ziel",
    queuesLive: "Warteschlangen, live", queuesDeferred: "Warteschlangen, Nachrichten",
    stoppedSentence: "Keine Zahlen: ein Teil der Daten wird nicht mehr gelesen.",
    recoveringAway: "Noch keine Zahlen: die Datenbank ist nicht erreichbar.",
  },
  en: {
    connecting: "Connecting …",
    lost: "No connection to the server. The numbers are from {time}.",
    recovering: "No numbers yet: the state is being recovered.",
    noData: "Nothing has come in yet.",
    catchingUp: "Catching up: {n} events behind{eta}.",
    eta: ", about {time} to go",
    overdue: { one: "One person has waited too long, {queue}: {wait}.", other: "{n} people have waited too long, worst in {queue}: {wait}." },
    unansweredOverdue: { one: "One message has waited too long for a reply.", other: "{n} messages have waited too long for a reply." },
    fine: { zero: "Nobody is waiting.", one: "One person is waiting, within target.", other: "{n} people are waiting, all within target." },
    warehouseAway: "The database cannot be reached. The numbers here stay right; they are written once it is back.",
    history: "Reading what happened before: has come to {time}.",
    incompleteSentence: "Incomplete: {n} of {m} partitions are there.",
    promisesLate: { one: "One promise is overdue.", other: "{n} promises are overdue." },
    soonSentence: { one: "One person waits within target still, but the turn will come too late.", other: "{n} people wait within target still, but their turn will come too late." },
    also: "Overdue besides: {things}.", alsoMessages: { one: "1 message", other: "{n} messages" }, alsoPromises: { one: "1 promise", other: "{n} promises" },
    act: "act {number} of {of}", desk: "Desk", wall: "Wall", byChannel: "by channel", byQueue: "by queue", only: "only {names}", allQueues: "show all",
    weekAgoAt: "{day} {time}:", weekAgoUntil: "{day} until {time}:", pastUnknown: "last week not known yet", incomplete: "incomplete",
    willMiss: { one: "1 is about to miss it", other: "{n} are about to miss it" }, targetNone: "target: none", dueSoon: { zero: "none due in 30 min", one: "1 due in 30 min", other: "{n} due in 30 min" },
    promisesOverdue: "Promises overdue", promisesList: "Promises: late, and due soon", emptyPromises: "No promise is late or due in 30 min.",
    willMissList: "About to miss the target", emptyWillMiss: "Nobody's turn comes too late.", dueSoonList: "Reply due soon", emptyDueSoon: "Nothing is due in 30 min.",
    dueIn: "in {time}", step: "Next step", steps: { answer: "answer", reply: "reply", call_back: "call back", keep_promise: "keep it or say no", check: "look into it" },
    kinds: { callback: "callback", appointment: "appointment", delivery: "delivery", repair: "repair", refund: "refund", other: "promise" },
    soon: "getting tight", trends: "Trends", todayKey: "today", thenKey: "a week ago", pastOld: "as of {time}, {age} ago",
    plots: { waiting: "Waiting, end of each minute", offered: "Offered per 15 min", service_level: "Service level per 15 min", unanswered: "Without a first reply", messages: "New messages per 15 min", replies: "Replies per 15 min" },
    plotCount: "{title}: now {now}, at most {most}, a week ago {then}", plotRatio: "{title}: last {now}, a week ago {then}",
    partitionsOf: "{n} of {m} partitions", noDefinition: "No explanation can be had just now.", close: "Close", parts: "Parts",
    periods: { now: "now", recent: "last 30 min", today: "today since 00:00", days: "the last days", confirmed: "confirmed days" },
    sqlNow: "The table names the queue a contact entered by; the page counts who was passed on in the present one.",
    partition: "Partition {name}: {reason}", somePartitions: "{n} partitions: {reason}",
    demoBegins: "The demo tells what was before its beginning first.", nothingHere: "Nothing is known of this choice.",
    reasons: { recovering: "being recovered", warehouse: "no database yet", stopped: "stopped", none: "no partition assigned yet" },
    demo: "made-up data",
    age: "As of {time} · {age} ago",
    live: "Live: on the phone, in chat, at the counter now",
    deferred: "Later: messages that wait for a reply",
    now: "now", today: "today since 00:00", recent: "last 30 min",
    waitingNow: "Waiting now", longestWait: "Longest wait", serviceLevel: "Service level", unansweredNow: "Unanswered",
    oldest: "Oldest message", inTarget: "Replied in target", fcr: "Resolved at first contact",
    talking: "{n} in conversation", overdueNow: { zero: "nobody beyond target", one: "1 beyond target", other: "{n} beyond target" },
    stale: { one: "1 no longer believed, not counted", other: "{n} no longer believed, not counted" },
    target: "target {target}", targets: "targets {low} to {high}", noTarget: "no target set",
    nobody: "nobody is waiting", none: "none", undecided: { one: "1 waits within target still and does not count", other: "{n} wait within target still and do not count" },
    formulas: {
      sl_offered: "answered in target / offered",
      sl_net: "answered in target / offered without those who left at once",
      sl_without_quick: "answered in target / offered without those who left within target",
      sl_answered: "answered in target / answered",
      sl_connect: "answered or left within target / offered",
    },
    responseFormula: "replied in target / due, the unanswered included",
    provisional: "provisional", confirmed: "confirmed", days: "closings of {n} days each", confirmedUntil: "confirmed, until {day}", ofClosings: { one: "of 1 closing", other: "of {n} closings" }, openHead: "Open", oldestHead: "Oldest", notKnown: "not known yet",
    openTime: "counted in opening hours", clockTime: "counted on the clock",
    queues: "Queues", queue: "Queue", channel: "Channel", waiting: "Waiting", longest: "Longest", expected: "Expected",
    overTarget: "Beyond target", slToday: "SL today", slRecent: "SL 30 min", abandonRate: "Abandoned", asa: "Mean wait", p90: "90 % below",
    inTargetToday: "In target today", firstP50: "Half below", firstP90: "90 % below", dueToday: "Due today",
    status: "State", ok: "in target", late: "beyond target", quiet: "quiet",
    lists: "Who first?", beyondTarget: "Waiting beyond target", unanswered: "Unanswered", callBack: "Call back (abandoned today)", staleList: "No longer believed",
    emptyBeyond: "Nobody waits beyond target.", emptyUnanswered: "Everything is answered.", unansweredLive: "No answer in conversation", emptyCallBack: "Nobody left.",
    more: "and {n} more", contact: "Contact", since: "since", over: "over by", callBackCount: { one: "1 abandoned today, not reached yet", other: "{n} abandoned today, not reached yet" },
    partitions: "{n} partitions", applied: "{n} applied", duplicates: "{n} duplicates", rejectedN: "{n} rejected",
    silence: "{source} silent for {age}", openDays: { one: "1 working day", other: "{n} working days" }, openHours: "{time} of opening hours",
    unknown: "not named", other: "others",
    none_yet: "–", half: "half below {time}", withinTarget: "within the queue's target", byArrival: "by arrival",
    repliesLastHour: { one: "1 reply in the last hour", other: "{n} replies in the last hour" },
    alsoWaiting: { one: "1 waits in a queue besides", other: "{n} wait in a queue besides" },
    messagesOverdue: { one: "1 message unanswered beyond target", other: "{n} messages unanswered beyond target" },
    targetHead: "Target",
    queuesLive: "Queues, live", queuesDeferred: "Queues, messages",
    stoppedSentence: "No numbers: part of the data is not read any more.",
    recoveringAway: "No numbers yet: the database cannot be reached.",
  },
};

/** The language asked for in the address, else the first of the browser's that we speak, else English. */
export function chooseLanguage(search, preferred) {
  const asked = new URLSearchParams(search).get("lang");
  for (const tag of [asked, ...preferred]) {
    const language = (tag || "").slice(0, 2).toLowerCase();
    if (language in WORDS) return language;
  }
  return "en";
}

/** Everything said in one language: words with holes filled, numbers and times the way that language writes them. */
export function speak(language) {
  const words = WORDS[language];
  const locale = language === "de" ? "de-DE" : "en-GB";
  const integer = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const percent = new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const round = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
  const plural = new Intl.PluralRules(locale);

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  function say(key, values = {}) {
    let found = key.split(".").reduce((at, part) => at?.[part], words);
    if (found && typeof found === "object") {
      found = (values.n === 0 && found.zero) || found[plural.select(values.n)] || found.other;
    }
    if (found === undefined) throw new Error(`no words for ${key}`);
    const shown = { ...values };
    if (typeof values.n === "number") shown.n = integer.format(values.n);
    return fill(found, shown);
  }

  /** 12 s · 1:05 min · 1:05 h · 2 d 3 h (clock time, ms). */
  function duration(ms) {
    if (ms === null || ms === undefined) return words.none_yet;
    const seconds = Math.floor(ms / 1000);
    if (seconds < 60) return `${seconds}\u00a0s`;
    const two = (n) => String(n).padStart(2, "0");
    if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}\u00a0min`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 1440) return `${Math.floor(minutes / 60)}:${two(minutes % 60)}\u00a0h`;
    const hours = Math.floor(minutes / 60);
    const day = language === "de" ? "T" : "d";
    return `${Math.floor(hours / 24)}\u00a0${day} ${hours % 24}\u00a0h`;
  }

  /** A promised time: round where it is round. */
  function promised(ms) {
    const units = [[86400000, language === "de" ? "T" : "d"], [3600000, "h"], [60000, "min"], [1000, "s"]];
    for (const [size, unit] of units) if (ms >= size && ms % size === 0) return `${ms / size}\u00a0${unit}`;
    return duration(ms);
  }

  function target(promise) {
    if (!promise) return null;
    if (promise.unit === "open_days") return say("openDays", { n: promise.amount });
    return promise.unit === "open" ? say("openHours", { time: promised(promise.amount) }) : promised(promise.amount);
  }

  return {
    language,
    say,
    duration,
    promised,
    target,
    count: (n) => (n === null || n === undefined ? words.none_yet : integer.format(n)),
    ratio: (x) => (x === null || x === undefined ? words.none_yet : percent.format(x)),
    percent: (x) => round.format(x),
    clock: (ms, zone) => new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", timeZone: zone }).format(ms),
    weekday: (ms, zone) => {
      const part = (options) => new Intl.DateTimeFormat(locale, { ...options, timeZone: zone }).format(ms);
      return `${part({ weekday: "short" }).replace(".", "")} ${part({ day: "numeric", month: language === "de" ? "numeric" : "short" })}`;
    },
    time: (ms, zone) => new Intl.DateTimeFormat(locale, { timeStyle: "medium", timeZone: zone }).format(ms),
    day: (ms, zone) => new Intl.DateTimeFormat(locale, { day: "numeric", month: language === "de" ? "numeric" : "short", timeZone: zone }).format(ms),
    moment: (ms, now, zone) => {
      const day = new Intl.DateTimeFormat(locale, { dateStyle: "short", timeZone: zone });
      const hour = new Intl.DateTimeFormat(locale, { timeStyle: "short", timeZone: zone });
      return day.format(ms) === day.format(now) ? hour.format(ms) : `${day.format(ms)} ${hour.format(ms)}`;
    },
    name: (titles, name) => titles?.[name]?.[language] || Object.values(titles?.[name] || {})[0] || (name in { unknown: 1, other: 1 } ? words[name] : name),
    title: (titles) => titles?.[language] || Object.values(titles || {})[0] || "touchline",
  };
}
