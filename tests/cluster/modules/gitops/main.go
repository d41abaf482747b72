// What GitOps tools make of objects: kstatus and health expressions as Flux runs them, a health script as Argo CD runs
// it, and Flux's own types.
//
// Reads one JSON request a line and writes one JSON answer a line, so that a thousand objects need one process.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const longestLine = 16 << 20

type request struct {
	Object map[string]any `json:"object"`
	// Health is the text of a health.lua; empty: it is not asked for.
	Health string `json:"health"`
	// Expressions are those of a Flux Kustomization for the object's kind; none: they are not asked for.
	Expressions *kustomize.HealthCheckExpressions `json:"expressions"`
	// Strict asks whether the object is one of Flux's kinds without an unknown field.
	Strict bool `json:"strict"`
}

type answer struct {
	Kstatus string  `json:"kstatus,omitempty"`
	Health  *health `json:"health,omitempty"`
	// Flux is what the expressions make of the object.
	Flux  string `json:"flux,omitempty"`
	Error string `json:"error,omitempty"`
}

type health struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// The kinds of Flux that the samples use, by apiVersion and kind.
var kinds = map[string]func() any{
	"source.toolkit.fluxcd.io/v1/GitRepository":    func() any { return &sourcev1.GitRepository{} },
	"source.toolkit.fluxcd.io/v1/OCIRepository":    func() any { return &sourcev1.OCIRepository{} },
	"helm.toolkit.fluxcd.io/v2/HelmRelease":        func() any { return &helmv2.HelmRelease{} },
	"kustomize.toolkit.fluxcd.io/v1/Kustomization": func() any { return &kustomizev1.Kustomization{} },
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, longestLine)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := out.Encode(judge(lines.Bytes())); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}

func judge(line []byte) answer {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Error: err.Error()}
	}
	if asked.Strict {
		if err := strict(asked.Object); err != nil {
			return answer{Error: err.Error()}
		}
		return answer{}
	}
	object := &unstructured.Unstructured{Object: integers(asked.Object).(map[string]any)}
	computed, err := status.Compute(object)
	if err != nil {
		return answer{Error: err.Error()}
	}
	told := answer{Kstatus: string(computed.Status)}
	if asked.Health != "" {
		if told.Health, err = run(asked.Health, asked.Object); err != nil {
			return answer{Error: err.Error()}
		}
	}
	if asked.Expressions != nil {
		if told.Flux, err = express(asked.Expressions, object); err != nil {
			return answer{Error: err.Error()}
		}
	}
	return told
}

func express(expressions *kustomize.HealthCheckExpressions, object *unstructured.Unstructured) (string, error) {
	evaluator, err := cel.NewStatusEvaluator(expressions)
	if err != nil {
		return "", err
	}
	result, err := evaluator.Evaluate(context.Background(), object)
	if err != nil {
		return "", err
	}
	return string(result.Status), nil
}

func strict(object map[string]any) error {
	name := fmt.Sprintf("%v/%v", object["apiVersion"], object["kind"])
	kind, known := kinds[name]
	if !known {
		return fmt.Errorf("%s is none of Flux's kinds that are known here", name)
	}
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	return yaml.UnmarshalStrict(text, kind())
}

// run gives a script what Argo CD gives it: the object as `obj`, the base and table libraries, and one second.
func run(script string, object map[string]any) (*health, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			return nil, err
		}
	}
	patience, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(patience)
	state.SetGlobal("obj", value(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	table, is := state.Get(-1).(*lua.LTable)
	if !is {
		return nil, fmt.Errorf("the script returns a %s, and must return a table", state.Get(-1).Type())
	}
	return &health{
		Status:  lua.LVAsString(table.RawGetString("status")),
		Message: lua.LVAsString(table.RawGetString("message")),
	}, nil
}

func value(state *lua.LState, of any) lua.LValue {
	switch one := of.(type) {
	case bool:
		return lua.LBool(one)
	case float64:
		return lua.LNumber(one)
	case string:
		return lua.LString(one)
	case []any:
		table := state.NewTable()
		for _, item := range one {
			table.Append(value(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for name, item := range one {
			table.RawSetString(name, value(state, item))
		}
		return table
	}
	return lua.LNil
}

// integers gives kstatus whole numbers as int64, as a client of Kubernetes decodes them.
func integers(of any) any {
	switch one := of.(type) {
	case float64:
		if whole := int64(one); float64(whole) == one {
			return whole
		}
	case []any:
		made := make([]any, len(one))
		for index, item := range one {
			made[index] = integers(item)
		}
		return made
	case map[string]any:
		made := make(map[string]any, len(one))
		for name, item := range one {
			made[name] = integers(item)
		}
		return made
	}
	return of
}
