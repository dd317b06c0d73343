package radar

import (
	"context"
	"fmt"
	"slices"

	"florin/internal/api"
	"florin/internal/search"
	"florin/internal/store"
)

// settings are how an account wants payments to be decided about in one mode: a small document that every payment reads, and that is not there
// while everything is as it was at first.
type settings struct {
	api.Meta
	Rules    []Rule   `json:"rules"`    // the account's own
	Switched []Switch `json:"switched"` // built-in rules that are not as they were at first
	Filled   []filled `json:"filled"`   // the lists that have items, so that no payment looks into an empty one
	Seeded   bool     `json:"seeded"`   // the default lists have been made
}

// A Switch says that a built-in rule is on or off.
type Switch struct {
	Rule string `json:"rule"`
	On   bool   `json:"on"`
}

type filled struct {
	Alias string `json:"alias"`
	List  string `json:"list"`
	Exact bool   `json:"exact,omitempty"` // compared with its case
	Items int64  `json:"items"`
}

var kept = &api.Kind[settings]{Name: "_radar", Internal: true}

const settingsID = "_radar"

// load reads the settings of the call's scope, for reading.
func load(c *api.Call) (*settings, error) {
	set, err := kept.Get(c, settingsID)
	if set == nil && err == nil {
		set = &settings{}
	}
	return set, err
}

// change reads the settings for change, and makes them if need be.
func change(c *api.Call) (*settings, error) {
	set, err := kept.Get(c, settingsID)
	if set == nil && err == nil {
		set = kept.New(c, settingsID)
	}
	return set, err
}

// on says whether a built-in rule is switched on.
func (set *settings) on(r *builtin) bool {
	if i := slices.IndexFunc(set.Switched, func(s Switch) bool { return s.Rule == r.ID }); i >= 0 {
		return set.Switched[i].On
	}
	return r.on
}

// find is the list with an alias, if it has items.
func (set *settings) find(alias string) *filled {
	if i := slices.IndexFunc(set.Filled, func(f filled) bool { return f.Alias == alias }); i >= 0 {
		return &set.Filled[i]
	}
	return nil
}

// count notes that a list has more items, or fewer.
func (set *settings) count(l *ValueList, n int64) {
	i := slices.IndexFunc(set.Filled, func(f filled) bool { return f.List == l.ID })
	if i < 0 {
		i, set.Filled = len(set.Filled), append(set.Filled, filled{Alias: l.Alias, List: l.ID, Exact: l.ItemType == "case_sensitive_string"})
	}
	if set.Filled[i].Items += n; set.Filled[i].Items <= 0 {
		set.Filled = slices.Delete(set.Filled, i, i+1)
	}
}

// listed looks a value up in a list.
func (p *facts) listed(alias, value string) (found bool, err error) {
	f := p.lists.find(alias)
	err = Items.Each(p.c, "value", value, func(it *ValueListItem) bool {
		found = it.ValueList == f.List && (!f.Exact && search.Fold(it.Value) == search.Fold(value) || it.Value == value)
		return !found
	})
	return found, err
}

// Rules are the rules of an account in one mode, as they are asked: the built-in ones that are on, and its own.
func (d *Domain) Rules(ctx context.Context, scope store.Scope) (rules []Rule, err error) {
	err = d.app.Do(ctx, scope, func(c *api.Call) error {
		rules = nil
		set, err := load(c)
		if err != nil {
			return err
		}
		for i := range builtins {
			if set.on(&builtins[i]) {
				rules = append(rules, builtins[i].Rule)
			}
		}
		for _, r := range []*builtin{&blockIfCVC, &blockIfPostalCode} {
			if set.on(r) {
				rules = append(rules, r.Rule)
			}
		}
		rules = append(rules, set.Rules...)
		return nil
	})
	return rules, err
}

// AddRule adds a rule of the account's own, and refuses one that makes no sense.
func (d *Domain) AddRule(ctx context.Context, scope store.Scope, action, predicate string) (r Rule, err error) {
	if !slices.Contains([]string{Request3DS, Allow, BlockIt, ReviewIt}, action) {
		return r, fmt.Errorf("a rule cannot %q", action)
	}
	if _, err := compile(predicate); err != nil {
		return r, err
	}
	err = d.app.Do(ctx, scope, func(c *api.Call) error {
		set, err := change(c)
		if err != nil {
			return err
		}
		r = Rule{ID: c.NewID("ssr"), Action: action, Predicate: predicate}
		set.Rules = append(set.Rules, r)
		return c.Save(set)
	})
	return r, err
}

// SwitchRule switches a built-in rule on or off, or removes one of the account's own.
func (d *Domain) SwitchRule(ctx context.Context, scope store.Scope, rule string, on bool) error {
	return d.app.Do(ctx, scope, func(c *api.Call) error {
		set, err := change(c)
		if err != nil {
			return err
		}
		own := slices.IndexFunc(set.Rules, func(r Rule) bool { return r.ID == rule })
		switch {
		case own >= 0 && !on:
			set.Rules = slices.Delete(set.Rules, own, own+1)
		case own >= 0:
		case rule != blockIfCVC.ID && rule != blockIfPostalCode.ID && !slices.ContainsFunc(builtins, func(r builtin) bool { return r.ID == rule }):
			return fmt.Errorf("there is no rule %q", rule)
		default:
			set.Switched = slices.DeleteFunc(set.Switched, func(s Switch) bool { return s.Rule == rule })
			set.Switched = append(set.Switched, Switch{rule, on})
		}
		return c.Save(set)
	})
}
