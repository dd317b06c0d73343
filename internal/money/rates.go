package money

// TestRates are Florin's own rates for test mode: units of each currency for one US dollar, near the middle of the market of 2026-09-01, and fixed, so
// that tests give the same amounts on every day. They are no offer: whoever converts real money gives real rates to UseRates.
var TestRates = Rates{
	"usd": 1, "usdc": 1,

	"aed": 3.6725, "afn": 66.5, "all": 82.9, "amd": 382.5, "ang": 1.79, "aoa": 917, "ars": 1385, "aud": 1.5105, "awg": 1.8, "azn": 1.7,
	"bam": 1.6685, "bbd": 2, "bdt": 122.4, "bgn": 1.6685, "bhd": 0.376, "bif": 2960, "bmd": 1, "bnd": 1.2815, "bob": 6.91, "brl": 5.372,
	"bsd": 1, "btn": 88.35, "bwp": 13.55, "byn": 3.05, "bzd": 2.01, "cad": 1.3742, "cdf": 2280, "chf": 0.8015, "clp": 948, "cny": 7.1065,
	"cop": 3905, "crc": 504, "cve": 94.1, "czk": 20.82, "djf": 177.7, "dkk": 6.3685, "dop": 62.8, "dzd": 129.6, "eek": 13.35, "egp": 47.6,
	"etb": 148, "eur": 0.8531, "fjd": 2.254, "fkp": 0.7405, "gbp": 0.7405, "gel": 2.706, "ghs": 11.2, "gip": 0.7405, "gmd": 72.5, "gnf": 8690,
	"gtq": 7.665, "gyd": 209.3, "hkd": 7.7952, "hnl": 26.2, "hrk": 6.428, "htg": 130.9, "huf": 333.2, "idr": 16480, "ils": 3.302, "inr": 88.35,
	"isk": 122.6, "jmd": 160.2, "jod": 0.709, "jpy": 148.62, "kes": 129.2, "kgs": 87.4, "khr": 4012, "kmf": 419.7, "krw": 1392.5, "kwd": 0.3054,
	"kyd": 0.8333, "kzt": 541, "lak": 21680, "lbp": 89500, "lkr": 302, "lrd": 182, "lsl": 17.42, "ltl": 2.9456, "lvl": 0.5996, "mad": 8.995,
	"mdl": 16.62, "mga": 4430, "mkd": 52.5, "mmk": 2099, "mnt": 3595, "mop": 8.029, "mro": 398, "mur": 45.5, "mvr": 15.4, "mwk": 1734,
	"mxn": 18.44, "myr": 4.212, "mzn": 63.9, "nad": 17.42, "ngn": 1502, "nio": 36.8, "nok": 9.921, "npr": 141.4, "nzd": 1.6815, "omr": 0.3845,
	"pab": 1, "pen": 3.502, "pgk": 4.18, "php": 57.15, "pkr": 281.5, "pln": 3.6302, "pyg": 7180, "qar": 3.64, "ron": 4.3255, "rsd": 99.95,
	"rub": 83.4, "rwf": 1447, "sar": 3.752, "sbd": 8.23, "scr": 14.1, "sek": 9.3421, "sgd": 1.2815, "shp": 0.7405, "sle": 23.3, "sll": 23300,
	"sos": 571, "srd": 38.6, "std": 20900, "svc": 8.75, "szl": 17.42, "thb": 31.92, "tjs": 9.42, "tnd": 2.902, "top": 2.37, "try": 41.28,
	"ttd": 6.78, "twd": 30.36, "tzs": 2470, "uah": 41.26, "ugx": 3510, "uyu": 40.05, "uzs": 12390, "vef": 24800000, "vnd": 26380, "vuv": 119.5,
	"wst": 2.76, "xaf": 559.6, "xcd": 2.7, "xcg": 1.79, "xof": 559.6, "xpf": 101.8, "yer": 239.5, "zar": 17.42, "zmw": 23.6,
}
