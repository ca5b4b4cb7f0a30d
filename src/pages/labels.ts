/** The words that a page adds to what the desk has written. */
export interface Labels {
  /** The language they are in. */
  language: string;
  by: string;
  published: string;
  updated: string;
  share: string;
  /** With the network's name in the place of {network}. */
  shareOn: string;
  byEmail: string;
  shares: string;
  keyPoints: string;
  alsoRead: string;
  background: string;
  source: string;
  external: string;
  embedded: string;
  image: string;
  tags: string;
  corrections: string;
}

const english: Labels = {
  language: "en",
  by: "By",
  published: "Published",
  updated: "Updated",
  share: "Share",
  shareOn: "Share on {network}",
  byEmail: "Share by email",
  shares: "shares",
  keyPoints: "Key points",
  alsoRead: "Also read",
  background: "Background",
  source: "Sources",
  external: "Elsewhere",
  embedded: "Embedded content from",
  image: "Image",
  tags: "Topics",
  corrections: "Corrections",
};

const translations: Labels[] = [
  {
    language: "ar",
    by: "بقلم",
    published: "نُشر في",
    updated: "حُدّث في",
    share: "مشاركة",
    shareOn: "شارك عبر {network}",
    byEmail: "شارك بالبريد الإلكتروني",
    shares: "مشاركات",
    keyPoints: "أبرز النقاط",
    alsoRead: "اقرأ أيضًا",
    background: "خلفية",
    source: "المصادر",
    external: "روابط خارجية",
    embedded: "محتوى مضمّن من",
    image: "صورة",
    tags: "مواضيع",
    corrections: "تصويبات",
  },
  {
    language: "ur",
    by: "از",
    published: "شائع",
    updated: "تازہ ترین",
    share: "شیئر کریں",
    shareOn: "{network} پر شیئر کریں",
    byEmail: "ای میل سے شیئر کریں",
    shares: "شیئرز",
    keyPoints: "اہم نکات",
    alsoRead: "یہ بھی پڑھیں",
    background: "پس منظر",
    source: "ذرائع",
    external: "بیرونی روابط",
    embedded: "منسلک مواد:",
    image: "تصویر",
    tags: "موضوعات",
    corrections: "تصحیحات",
  },
  {
    language: "de",
    by: "Von",
    published: "Veröffentlicht",
    updated: "Aktualisiert",
    share: "Teilen",
    shareOn: "Auf {network} teilen",
    byEmail: "Per E-Mail teilen",
    shares: "Mal geteilt",
    keyPoints: "Das Wichtigste",
    alsoRead: "Lesen Sie auch",
    background: "Hintergrund",
    source: "Quellen",
    external: "Anderswo",
    embedded: "Eingebetteter Inhalt von",
    image: "Bild",
    tags: "Themen",
    corrections: "Korrekturen",
  },
  {
    language: "es",
    by: "Por",
    published: "Publicado",
    updated: "Actualizado",
    share: "Compartir",
    shareOn: "Compartir en {network}",
    byEmail: "Compartir por correo electrónico",
    shares: "veces compartido",
    keyPoints: "Puntos clave",
    alsoRead: "Lea también",
    background: "Contexto",
    source: "Fuentes",
    external: "En otros sitios",
    embedded: "Contenido incrustado de",
    image: "Imagen",
    tags: "Temas",
    corrections: "Correcciones",
  },
  {
    language: "fr",
    by: "Par",
    published: "Publié",
    updated: "Mis à jour",
    share: "Partager",
    shareOn: "Partager sur {network}",
    byEmail: "Partager par courriel",
    shares: "partages",
    keyPoints: "L’essentiel",
    alsoRead: "Lire aussi",
    background: "Contexte",
    source: "Sources",
    external: "Ailleurs",
    embedded: "Contenu intégré de",
    image: "Image",
    tags: "Sujets",
    corrections: "Corrections",
  },
];

const byLanguage = new Map([english, ...translations].map((labels) => [labels.language, labels]));

/** The words in an article's language, or in English. */
export function labelsFor(language: string): Labels {
  return byLanguage.get(new Intl.Locale(language).language) ?? english;
}
