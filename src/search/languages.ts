/** PostgreSQL's text search configurations (those of version 15 and later) by the language's subtag. */
const configurations = new Map(
  Object.entries({
    ar: "arabic",
    ca: "catalan",
    da: "danish",
    de: "german",
    el: "greek",
    en: "english",
    es: "spanish",
    eu: "basque",
    fi: "finnish",
    fr: "french",
    ga: "irish",
    hi: "hindi",
    hu: "hungarian",
    hy: "armenian",
    id: "indonesian",
    it: "italian",
    lt: "lithuanian",
    nb: "norwegian",
    ne: "nepali",
    nl: "dutch",
    nn: "norwegian",
    no: "norwegian",
    pt: "portuguese",
    ro: "romanian",
    ru: "russian",
    sr: "serbian",
    sv: "swedish",
    ta: "tamil",
    tr: "turkish",
    yi: "yiddish",
  }),
);

/** The configuration for a BCP 47 tag: the language's own dictionary, or `simple`, which takes words as they are. */
export function configurationOf(language: string): string {
  return configurations.get(language.toLowerCase().split("-")[0] ?? "") ?? "simple";
}
