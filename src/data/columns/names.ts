/**
 * The names by which columns are known, best first. A name is compared by its letters and digits alone, so
 * `Customer ID`, `customer_id` and `customerId` are one.
 */

const list = (names: string): readonly string[] => names.trim().split(/\s+/);

/** What a user is called; `user`, `user_id`, `user_no` and the like follow from it. */
export const USERS = list(`
  user uid uuser customer customeruser cust household hshd visitor fullvisitor member client account person shopper buyer consumer
  subscriber reviewer rater player reader listener viewer learner student employee guest cardholder loyaltycard msno
  candidate patient donor traveler traveller applicant cookie device
  kunde kunden benutzer nutzer utilisateur usuario usuário cliente utente 用户 顾客 会员 ユーザー 사용자 пользователь`);
/** Users only where nothing better is there, and no users in a table of items. */
export const WEAK_USERS = list('author profile people owner card uploader poster');
/** Visits and baskets: users only where there are none. */
export const SESSIONS = list(
  'session sess usersession visit basket cart order invoice invoiceno transaction trans receipt ticket',
);

/** What an item is called; `item_id`, `item_no` and the like follow from it. */
export const ITEMS = list(`
  item iid product prod article parentasin asin sku stockcode movie film book isbn isbn13 isbn10 track song video object game
  anime manga recipe business poi news music album artist content media show series episode podcast app listing
  property hotel restaurant place venue merchant good goods merchandise commodity ean gtin upc barcode document doc
  paper post story page url uri joke course lecture question exercise job vacancy position offer deal coupon ad advert
  creative campaign beer wine drink food dish meal image photo pin meme repo repository package project thread
  work edition location attraction destination event group subreddit channel streamer material target entity
  imdb tmdb gmap bgg steam
  artikel artikelnr produkt produit producto producte prodotto produto articulo artículo 商品 物品 アイテム 상품 товар 产品 电影 图书`);

/** Items only where nothing better is there: they are mostly something that items have. */
export const WEAK_ITEMS = list('shop store brand tag title name');

/** Forms of a name around its noun, best first. `''` is the noun alone. */
export const ID_FORMS = list(
  'id ids uuid guid key sk pk idx index iid hash no nr num number nummer 编号 番号 code token name title',
);
export const LOOSE_ID_FORMS = list('code token name title');

/** Times, finest and surest first. */
export const TIMES = list(`
  timestamp ts eventtimestamp timestampms timems eventtime eventts transactiontimestamp datetime datetimeutc timestamputc
  unixtimestamp unixtime unixreviewtime epoch epochtime epochms time utctime utctimestamp createdat createtime
  createdtime createdon creationtime purchasetime ordertime ordertimestamp orderpurchasetimestamp orderdatetime transactiontime
  transactiondatetime actiontime clicktime viewtime visittime servertime requesttime logtime interactiontime
  playedat listenedat watchedat ratedat reviewedat purchasedat orderedat boughtat visitedat occurredat
  ratingtimestamp reviewtimestamp reviewtime ratingtime checkintime invoicedate invoicedatetime
  date tdat eventdate orderdate purchasedate transactiondate transdate saledate salesdate visitdate reviewdate ratingdate
  actiondate clickdate viewdate interactiondate createddate creationdate orderpurchasedate submitdate submitted
  dateadded datecreated dateofpurchase dateofvisit datum zeit zeitstempel bestelldatum kaufdatum fecha fechacompra data fechapedido fechahora datacompra datapedido dataacquisto dataordine datecommande
  datahora dateachat horodatage dt day timeframe when 时间 时间戳 日期 下单时间 购买时间 购买日期 行为时间 交易时间 点击时间 评分时间 日時 時間 날짜 시간 дата`);
/** Ends of names that may be times; the cells decide. */
export const TIME_ENDS = /(?:timestamp|datetime|date|time|_at|_on|_ts|_dt|at_utc|time_?ms)$/i;
/** These are times of something else, or durations. */
export const NO_TIMES =
  /birth|dob$|release|publi|expir|update|modif|regist|signup|joined|since|duration|spent|length|runtime|lead_?time|watch_?time|play_?time|playing_?time|read(?:ing)?_?time|dwell|cook|prep|total_?time|timezone|time_?zone|deliver|ship|estimated|lifetime|response|first_?(?:seen|order)|last_?(?:seen|order|login)|times$/i;
/** A time of day beside a date. */
export const CLOCKS = list(
  'time timeofday clock hour orderhourofday hourofday eventhour timeframe transtime transactiontime ordertime purchasetime saletime uhrzeit hora heure hh',
);

/** Titles; with an item's noun before them (`movie_title`, `song_name`) they are known too. */
export const TITLES = list(`
  title name itemtitle itemname producttitle productname prodname articlename productdisplayname headline caption label
  description productdescription itemdescription desc descr stockdescription bezeichnung artikelbezeichnung nom nombre
  nome titel titre titulo título 标题 名称 商品名 商品名称 商品标题 产品名称 电影名 书名 nombreproducto nomproduit nomeprodotto nomeproduto descripcion descripción descrizione descricao descrição désignation タイトル 제목 название`);
/** Columns that only reviews have: a title beside them is the review's headline. */
export const REVIEW_TEXTS = list(
  'text reviewtext review reviewbody reviewcontent helpful helpfulvote helpfulvotes vote verified verifiedpurchase reviewheadline reviewtitle summary images',
);

/** One column that names a path or the only level. */
export const CATEGORIES = list(`
  categorypath categorytree productcategorytree breadcrumb breadcrumbs categories category genres genre categorycode
  categoryname categorynames itemcategory itemcategories productcategory productcategoryname maincategory
  productgroupname producttypename department departmentname aisle aislename section class classes producttype
  subcategory categorygroup catname cat cats tags topic topics subject subjects kategorie kategorien warengruppe rubrik
  categorie catégorie categoria categoría rubro 类目 分类 カテゴリ 类别 品类 商品类别 商品类目 商品分类 카테고리 категория categoryid catid`);
/** Columns of one level each, widest first. */
export const LEVELS: readonly (readonly string[])[] = [
  list(`l1 categoryl1 l1category category1 cat1 level1 categorylevel1 level1category c1 c1name cat1name category1name firstcategory
    firstlevelcategory firstlevelcategoryname primarycategory maincategory mastercategory topcategory indexgroupname
    department departmentname categorygroup l1name category0 cat0 level0`),
  list(`l2 categoryl2 l2category category2 cat2 level2 categorylevel2 level2category c2 c2name cat2name category2name secondcategory
    secondlevelcategory secondlevelcategoryname subcategory subcategoryname productcategory secondarycategory l2name
    productgroupname producttypename aisle`),
  list(`l3 categoryl3 l3category category3 cat3 level3 categorylevel3 level3category c3 c3name cat3name category3name thirdcategory
    thirdlevelcategory thirdlevelcategoryname subsubcategory producttype articletype producttypename tertiarycategory l3name`),
  list('l4 categoryl4 category4 cat4 level4 categorylevel4 l4name'),
  list('l5 categoryl5 category5 cat5 level5 categorylevel5 l5name'),
];

export const EVENTS = list(`
  event eventtype eventname action actiontype actionname behavior behaviour behaviortype behaviourtype interaction
  interactiontype useraction useractiontype activity activitytype operation operationtype feedbacktype type ereignis evento événement evenement 行为 行为类型 事件`);
/** Flags whose 0 is an impression: nothing was done. */
export const CLICK_FLAGS = list('isclick isclicked click clicked hasclick clickflag label clicklabel');
export const CONVERSIONS = list(`
  conversion converted isconversion isconverted convert purchased ispurchase ispurchased purchase bought isbought buy isbuy
  ordered isorder isordered paid ispaid sold transaction longview islongview islike liked like isfavorite isfollow
  isforward addtocart iscart booked isbooked cvr conversionlabel gekauft bestellt achat compra reordered`);
export const RATINGS = list(`
  rating ratings stars star starrating score overall userrating userscore reviewscore reviewrating bookrating movierating
  ratingvalue ratingscore overallrating myrating myscore reviewoverall givenrating rate preference grade
  bewertung note puntuacion calificacion valoracion voto nota avaliacao avaliação valoración calificación puntuación 评分 打分 评级 rate5 оценка`);
export const QUANTITIES = list(
  'quantity qty quantities orderqty orderquantity itemquantity salesquantity quantitysold units unitssold pieces numitems itemcount count menge anzahl cantidad quantite quantité quantita amount 数量 购买数量 件数',
);
