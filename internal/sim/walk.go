package sim

import (
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// walk follows the traversals of a request to objects. The stock collector locks the object
// that a traversal starts at, and reads what leads on from all others while tasks write to
// it; a walk locks each object that it reads.
type walk struct {
	ctx   *simulator.Context
	named map[string]*types.TraversalSpec
	found []types.ObjectSpec
}

// walked is a request without traversals: it names the objects that they lead to. One that
// is gone by the time that it is read is left out, as it is on the way of a traversal.
func walked(ctx *simulator.Context, specs []types.PropertyFilterSpec) ([]types.PropertyFilterSpec, types.BaseMethodFault) {
	w := &walk{ctx: ctx, named: map[string]*types.TraversalSpec{}}
	specs = slices.Clone(specs)
	for i := range specs {
		objects := slices.Clone(specs[i].ObjectSet)
		for j, o := range objects {
			if fault := w.from(o.Obj, o.SelectSet); fault != nil {
				return nil, fault
			}
			if o.SelectSet != nil {
				objects[j].SelectSet = []types.BaseSelectionSpec{} // without one, Skip means nothing to the stock collector
			}
		}
		specs[i].ObjectSet = objects
	}
	// The stock collector applies the properties of all specs to the objects of each.
	return append(specs, types.PropertyFilterSpec{ObjectSet: w.found, ReportMissingObjectsInResults: types.NewBool(true)}), nil
}

// from takes the steps that go on from an object. A step may name one that came before it
// in the request.
func (w *walk) from(ref types.ManagedObjectReference, steps []types.BaseSelectionSpec) types.BaseMethodFault {
	for _, s := range steps {
		if step, ok := s.(*types.TraversalSpec); ok && step.Name != "" {
			w.named[step.Name] = step
		}
	}
	for _, s := range steps {
		step, ok := s.(*types.TraversalSpec)
		if !ok {
			step = w.named[s.GetSelectionSpec().Name]
		}
		if step == nil {
			return &types.InvalidArgument{InvalidProperty: "undefined TraversalSpec name"}
		}
		for _, next := range w.read(ref, step.Path) {
			if step.Skip == nil || !*step.Skip {
				w.found = append(w.found, types.ObjectSpec{Obj: next})
			}
			if fault := w.from(next, step.SelectSet); fault != nil {
				return fault
			}
		}
	}
	return nil
}

// read is what a property of an object refers to: nothing where there is no such object, or
// no such property.
func (w *walk) read(ref types.ManagedObjectReference, property string) (refs []types.ManagedObjectReference) {
	w.ctx.WithLock(ref, func() {
		obj := w.ctx.Map.Get(ref)
		if w.ctx.Session != nil {
			obj = w.ctx.Session.Get(ref)
		}
		v := managed(obj)
		for name := range strings.SplitSeq(property, ".") {
			if v = followed(v); v.Kind() != reflect.Struct {
				return
			}
			v = v.FieldByName(capital(name))
		}
		if v = followed(v); !v.IsValid() || !v.CanInterface() {
			return
		}
		switch value := v.Interface().(type) {
		case types.ManagedObjectReference:
			refs = []types.ManagedObjectReference{value}
		case []types.ManagedObjectReference:
			refs = slices.Clone(value)
		}
	})
	return refs
}

// managed is the object as the API has it, which wrappers have as their first field; not
// valid where there is none.
func managed(obj mo.Reference) reflect.Value {
	v := followed(reflect.ValueOf(obj))
	for v.Kind() == reflect.Struct && v.NumField() > 0 {
		if path.Base(v.Type().PkgPath()) == "mo" {
			return v
		}
		v = followed(v.Field(0))
	}
	return reflect.Value{}
}

// followed is what pointers and interfaces lead to; not valid where that is nothing.
func followed(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v
}
