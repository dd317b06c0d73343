package server

import (
	"net/http"
	"strconv"
	"strings"

	"florin/internal/domain/account"
	"florin/internal/export"
	"florin/internal/store"
)

// export answers with what an account has: ?type ?account ?mode=test|live ?format=csv ?columns ?from ?till.
func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	order := &export.Order{Type: r.FormValue("type"), CSV: r.FormValue("format") == "csv"}
	if columns := r.FormValue("columns"); columns != "" {
		order.Columns = strings.Split(columns, ",")
	}
	order.From, _ = strconv.ParseInt(r.FormValue("from"), 10, 64)
	order.Till, _ = strconv.ParseInt(r.FormValue("till"), 10, 64)
	test, live, err := s.Accounts.ScopesOf(r.Context(), r.FormValue("account"))
	if err != nil {
		tell(w, nil, err)
		return
	}
	if _, err := export.Find(order.Type); err != nil {
		tell(w, nil, account.Problem(err.Error()))
		return
	}
	switch r.FormValue("mode") {
	case "test":
		order.Scopes = []store.Scope{test}
	case "live":
		order.Scopes = []store.Scope{live}
	default:
		order.Scopes = []store.Scope{test, live}
	}
	w.Header().Set("Trailer", Outcome)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.WriteHeader(http.StatusOK)
	if _, err := export.Write(r.Context(), s.App, order, w); err != nil {
		w.Header().Set(Outcome, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
