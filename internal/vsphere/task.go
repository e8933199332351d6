package vsphere

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// A task is looked at again after firstTaskPoll, and then after twice as long each time,
// up to longestTaskPoll.
const (
	firstTaskPoll   = 50 * time.Millisecond
	longestTaskPoll = time.Second
)

// errTaskRuns means that a task was not seen to its end.
var errTaskRuns = errors.New("the task was not seen to its end")

// await looks at a task until it has ended, or the context has. The error is the task's
// own, or an errTaskRuns. It asks again and again, where govmomi's wait holds a call
// open and cleans up after it with a context that never ends.
func (s *Session) await(ctx context.Context, ref types.ManagedObjectReference) (types.AnyType, error) {
	for pause := firstTaskPoll; ; pause = min(2*pause, longestTaskPoll) {
		var t mo.Task
		if err := s.one(ctx, ref, "info", &t); err != nil {
			return nil, fmt.Errorf("%w: %w", errTaskRuns, err)
		}
		switch t.Info.State {
		case types.TaskInfoStateSuccess:
			return t.Info.Result, nil
		case types.TaskInfoStateError:
			if t.Info.Error == nil {
				return nil, errors.New("the task failed, and does not say why")
			}
			return nil, plain(task.Error{LocalizedMethodFault: t.Info.Error})
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", errTaskRuns, ctx.Err())
		case <-time.After(pause):
		}
	}
}
